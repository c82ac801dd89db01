// Takes beats with the pauses of a file: the sink of a bench. It moves when the clock falls (see stream_probe.v).
//
// The first line of the file is "1 0" for a patient sink, else "0 0". Each other line has the cycles for which ready is
// low and those for which it is high, in hexadecimal, not both 0. A patient sink begins its pause when valid is high,
// and is then ready for one beat; it ignores the second number. The file restarts at its end and at a reset.

module stream_sink #(
    parameter FILE = "sink.pauses"      // name of the file, in the folder of the run
) (
    input  wire clk,
    input  wire reset_n,
    input  wire valid,
    input  wire taken,                  // toggles at every transfer
    output reg  ready
);
    localparam WAITING = 0, PAUSING = 1, OFFERED = 2;

    integer    file;
    integer    found;
    integer    state;
    reg        begun;
    reg        asked;                   // taken, when the last beat was asked for
    reg [31:0] patient;
    reg [31:0] low;
    reg [31:0] high;

    task open_file;
        begin
            file  = $fopen(FILE, "r");
            found = $fscanf(file, "%h %h\n", patient, high);
            low   = 0;
            high  = 0;
            state = WAITING;
        end
    endtask

    task next_pause;
        begin
            found = $fscanf(file, "%h %h\n", low, high);
            if (found != 2) begin
                $fclose(file);
                open_file;
                found = $fscanf(file, "%h %h\n", low, high);
            end
        end
    endtask

    initial begin
        open_file;
        begun  = 0;
        asked = 0;
        ready  = 0;
    end

    always @(negedge clk)
        if (!reset_n) begin
            if (begun) begin
                $fclose(file);
                open_file;
            end
            begun  = 0;
            ready <= 0;
        end else if (patient == 0) begin
            begun = 1;
            if (low == 0 && high == 0) next_pause;
            ready <= low == 0;
            if (low != 0) low = low - 1;
            else          high = high - 1;
        end else begin
            if (!begun || (state == OFFERED && taken != asked)) begin
                next_pause;
                state = WAITING;
            end
            begun = 1;
            if (state == WAITING) begin
                if (valid === 1'b1) state = PAUSING;
            end else if (state == PAUSING)
                low = low - 1;
            if (state == PAUSING && low == 0) begin
                state  = OFFERED;
                asked = taken;
            end
            ready <= state == OFFERED;
        end
endmodule
