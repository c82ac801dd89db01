// A ROM image with registered read ports: data follows address by one cycle while enable is high. Each of the LANES
// parts of a word has an address of its own; what a lane does not read of its copy of the image is left out by synthesis.
// The image is looked for where the tool runs, or in the folder TRITFORGE_ROM_PATH (with a slash at its end).
// STYLE is what synthesis makes it of: "block", "distributed", or what it likes.
module tritforge_rom #(
    parameter FILE    = "",
    parameter WIDTH   = 1,
    parameter DEPTH   = 1,
    parameter ADDRESS = 1,
    parameter LANES   = 1,
    parameter STYLE   = "auto"
) (
    input  wire                     clk,
    input  wire                     enable,
    input  wire [LANES*ADDRESS-1:0] address,
    output reg  [WIDTH-1:0]         data
);
    localparam PART = WIDTH / LANES;

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : part
            (* rom_style = STYLE *)
            reg [WIDTH-1:0] image [0:DEPTH-1];

`ifdef TRITFORGE_ROM_PATH
            initial $readmemh({`TRITFORGE_ROM_PATH, FILE}, image);
`else
            initial $readmemh(FILE, image);
`endif

            always @(posedge clk)
                if (enable)
                    data[lane*PART +: PART] <= image[address[lane*ADDRESS +: ADDRESS]][lane*PART +: PART];
        end
    endgenerate
endmodule
