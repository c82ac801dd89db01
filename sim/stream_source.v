// Sends the beats of a file: the source of a bench.
//
// A line of the file has the idle cycles before a beat and its payload, both in hexadecimal. Valid does not depend on
// ready, and the next beat may follow a transfer without an idle cycle. A reset restarts the file.

module stream_source #(
    parameter WIDTH = 8,                // bits of the payload
    parameter FILE  = "source.beats"    // name of the file, in the folder of the run
) (
    input  wire             clk,
    input  wire             reset_n,
    input  wire             ready,
    output reg              valid,
    output reg  [WIDTH-1:0] payload
);
    integer           file;
    integer           found;
    reg               begun;            // something was read
    reg               loaded;           // a beat was read that is not offered yet
    reg [31:0]        idle;             // cycles before it
    reg [WIDTH-1:0]   next;

    initial begin
        file    = $fopen(FILE, "r");
        begun   = 0;
        loaded  = 0;
        idle    = 0;
        next    = 0;
        valid   = 0;
        payload = 0;
    end

    always @(posedge clk)
        if (!reset_n) begin
            if (begun) begin
                $fclose(file);
                file = $fopen(FILE, "r");
            end
            begun  = 0;
            loaded = 0;
            valid <= 0;
        end else if (!valid || ready === 1'b1) begin
            if (!loaded) begin
                found  = $fscanf(file, "%h %h\n", idle, next);
                loaded = found == 2;
                begun  = 1;
            end
            valid <= loaded && idle == 0;
            if (loaded) begin
                if (idle == 0) begin
                    payload <= next;
                    loaded   = 0;
                end else
                    idle = idle - 1;
            end
        end
endmodule
