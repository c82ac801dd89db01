// A ROM image with one registered read port: data follows address by one cycle while enable is high.
// The image is looked for where the tool runs, or in the folder TRITFORGE_ROM_PATH (with a slash at its end).
module tritforge_rom #(
    parameter FILE    = "",
    parameter WIDTH   = 1,
    parameter DEPTH   = 1,
    parameter ADDRESS = 1
) (
    input  wire               clk,
    input  wire               enable,
    input  wire [ADDRESS-1:0] address,
    output reg  [WIDTH-1:0]   data
);
    reg [WIDTH-1:0] image [0:DEPTH-1];

`ifdef TRITFORGE_ROM_PATH
    initial $readmemh({`TRITFORGE_ROM_PATH, FILE}, image);
`else
    initial $readmemh(FILE, image);
`endif

    always @(posedge clk)
        if (enable)
            data <= image[address];
endmodule
