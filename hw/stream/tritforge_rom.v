// A ROM image with registered read ports: data follows address by one cycle while enable is high. Each of the LANES
// parts of a word has an address of its own; what a lane does not read of its copy of the image is left out by synthesis.
// The image is looked for where the tool runs, or in the folder TRITFORGE_ROM_PATH (with a slash at its end).
// STYLE is what synthesis makes it of: "block", "distributed", or what it likes; "lut6" places the cells of the 7 series
// that join LUT6 of 64 words, up to 256 of them MUXF7 and MUXF8. VARYING are the bits that are not the same in all words.
// A simulation ends with $fatal where the image is missing or does not hold DEPTH whole words: $readmemh only warns.
module tritforge_rom #(
    parameter FILE    = "",
    parameter WIDTH   = 1,
    parameter DEPTH   = 1,
    parameter ADDRESS = 1,
    parameter LANES   = 1,
    parameter STYLE   = "auto",
    parameter [WIDTH-1:0] VARYING = {WIDTH{1'b1}}
) (
    input  wire                     clk,
    input  wire                     enable,
    input  wire [LANES*ADDRESS-1:0] address,
    output reg  [WIDTH-1:0]         data
);
    localparam PART   = WIDTH / LANES;
    localparam LUTS   = (DEPTH + 63) / 64;
    localparam GROUPS = (DEPTH + 255) / 256;
    localparam KIND   = STYLE == "lut6" ? "auto" : STYLE;

`ifndef SYNTHESIS
    integer           stream, words, read;
    reg [WIDTH-1:0]   read_word;

    initial begin
`ifdef TRITFORGE_ROM_PATH
        stream = $fopen({`TRITFORGE_ROM_PATH, FILE}, "r");
`else
        stream = $fopen(FILE, "r");
`endif
        if (stream == 0)
            $fatal(1, "ROM image %0s cannot be opened: put it where the simulator runs, or define TRITFORGE_ROM_PATH", FILE);
        words = 0;
        read  = $fscanf(stream, "%h", read_word);
        while (read == 1 && ^read_word !== 1'bx) begin
            words = words + 1;
            read  = $fscanf(stream, "%h", read_word);
        end
        if (words != DEPTH || !$feof(stream))
            $fatal(1, "ROM image %0s is damaged: word %0d of %0d", FILE, words, DEPTH);
        $fclose(stream);
    end
`endif

    genvar lane, lut, column, group;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : part
            wire [ADDRESS-1:0] at = address[lane*ADDRESS +: ADDRESS];

            (* rom_style = KIND *)
            reg [WIDTH-1:0] image [0:DEPTH-1];

`ifdef TRITFORGE_ROM_PATH
            initial $readmemh({`TRITFORGE_ROM_PATH, FILE}, image);
`else
            initial $readmemh(FILE, image);
`endif

            if (STYLE == "lut6") begin : cells
                wire [PART-1:0] found [0:4*GROUPS-1];
                wire [PART-1:0] word;

                for (lut = 0; lut < 4*GROUPS; lut = lut + 1) begin : words
                    if (lut < LUTS) begin : held
                        wire [WIDTH-1:0] whole = image[64*lut + at[5:0]];
                        assign found[lut] = whole[lane*PART +: PART];
                    end else begin : empty
                        assign found[lut] = {PART{1'b0}};
                    end
                end
                for (column = 0; column < PART; column = column + 1) begin : columns
                    if (VARYING[lane*PART + column]) begin : joined
                        wire [GROUPS-1:0] found_by_group;

                        for (group = 0; group < GROUPS; group = group + 1) begin : groups
                            wire low, high;

                            if (LUTS > 4*group + 1) begin : two
                                MUXF7 lower (.I0(found[4*group][column]), .I1(found[4*group + 1][column]), .S(at[6]), .O(low));
                            end else begin : one
                                assign low = found[4*group][column];
                            end
                            if (LUTS > 4*group + 2) begin : four
                                MUXF7 upper (.I0(found[4*group + 2][column]), .I1(found[4*group + 3][column]), .S(at[6]), .O(high));
                                MUXF8 whole (.I0(low), .I1(high), .S(at[7]), .O(found_by_group[group]));
                            end else begin : none
                                assign found_by_group[group] = low;
                            end
                        end
                        if (GROUPS == 1) begin : single
                            assign word[column] = found_by_group[0];
                        end else begin : several
                            assign word[column] = found_by_group[at[ADDRESS-1:8]];
                        end
                    end else begin : constant
                        assign word[column] = image[0][lane*PART + column];
                    end
                end
                always @(posedge clk)
                    if (enable)
                        data[lane*PART +: PART] <= word;
            end else begin : inferred
                always @(posedge clk)
                    if (enable)
                        data[lane*PART +: PART] <= image[at][lane*PART +: PART];
            end
        end
    endgenerate
endmodule
