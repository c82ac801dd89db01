// Watches one stream: checks the rules of a stream and writes every transfer to a file.
//
// The bench moves in four steps, so that nothing is read in the instant in which it changes: the clock rises; the
// source writes; the clock falls (here "early" is sampled); the sink writes ready. Between the fall and the next
// rise only ready from outside has changed, so a valid or a payload that changed too depends on ready.
//
// A line of the file is a letter, the cycle (8 hexadecimal digits), a colon and the payload in hexadecimal; all lines
// of a file are equally long. The letters: T a transfer; D valid dropped before the beat was taken; C payload changed
// before it was taken; R valid or payload depends on ready; X valid, ready or a payload taken is unknown.

module stream_probe #(
    parameter WIDTH = 8,                // bits of the payload
    parameter FILE  = "stream.beats"    // name of the file, in the folder of the run
) (
    input  wire             clk,
    input  wire             reset_n,
    input  wire [31:0]      cycle,
    input  wire             valid,
    input  wire             ready,
    input  wire [WIDTH-1:0] payload,
    output reg  [31:0]      count,      // transfers so far
    output reg              taken,      // toggles at every transfer
    output reg              held        // the beat offered in the last cycle was not taken
);
    localparam MOST_VIOLATIONS = 16;    // of each file; what follows is mostly an echo of the first

    integer           file;
    integer           violations;
    reg               early_valid;
    reg [WIDTH-1:0]   held_payload;
    reg [WIDTH-1:0]   early_payload;

    wire dropped = held && valid === 1'b0;
    wire changed = held && valid === 1'b1 && payload !== held_payload;
    wire unready = valid !== early_valid || (valid === 1'b1 && payload !== early_payload);
    wire unknown = (^{valid, ready}) === 1'bx || (valid === 1'b1 && ready === 1'b1 && (^payload) === 1'bx);

    initial begin
        file       = $fopen(FILE, "w");
        violations = 0;
        count      = 0;
        taken      = 0;
        held       = 0;
    end

    always @(negedge clk) begin
        early_valid   <= valid;
        early_payload <= payload;
    end

    always @(posedge clk) begin
        held         <= reset_n && valid === 1'b1 && ready !== 1'b1;
        held_payload <= payload;
        if (!reset_n && count != 0) begin
            // a reset in the middle: what was before does not count, and nothing of it may be left
            $fclose(file);
            file        = $fopen(FILE, "w");
            violations <= 0;
            count      <= 0;
        end
        if (reset_n) begin
            if ((unknown || dropped || changed || unready) && violations < MOST_VIOLATIONS) begin
                if (unknown) $fwrite(file, "X%h:%h\n", cycle, payload);
                if (dropped) $fwrite(file, "D%h:%h\n", cycle, payload);
                if (changed) $fwrite(file, "C%h:%h\n", cycle, payload);
                if (unready) $fwrite(file, "R%h:%h\n", cycle, payload);
                violations <= violations + 1;
            end
            if (valid === 1'b1 && ready === 1'b1) begin
                $fwrite(file, "T%h:%h\n", cycle, payload);
                count <= count + 1;
                taken <= !taken;
            end
        end
    end
endmodule
