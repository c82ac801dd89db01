// A design of two layers with the ports of a generated one, written by hand, to test the bench: `mix` computes
// (a - b, a + b) of the two channels of a pixel in three cycles, `act` counts thresholds. The number in
// fault.mem, a place in the list of conftest.py, breaks it on purpose; 0 does not.

module mix (
    input  wire [7:0]  fault,
    input  wire        clk,
    input  wire        rst_n,
    input  wire        i__valid,
    output wire        i__ready,
    input  wire [7:0]  i__payload,
    output wire        o__valid,
    input  wire        o__ready,
    output reg  [11:0] o__payload
);
    reg       full;
    reg       never = 0;                // the way in which Yosys starts a block whose inputs never change
    reg [1:0] pause;
    always @* begin
        if (never) begin end
        pause = 2;
    end
    reg [1:0] wait_cycles;
    reg [7:0] pixel;
    wire signed [5:0] a = $signed({2'b00, i__payload[3:0]});
    wire signed [5:0] b = $signed({2'b00, i__payload[7:4]});
    wire signed [5:0] difference = a - b;
    wire signed [5:0] sum = a + b;
    assign i__ready = (!full || (o__ready && o__valid)) && wait_cycles == 0;
    assign o__valid = fault == 1 ? full && o__ready
                    : fault == 2 ? full && wait_cycles != 1
                    : full;
    always @(posedge clk)
        if (!rst_n) begin
            full <= 0;
            pixel <= 0;
            wait_cycles <= 0;
        end else begin
            if (wait_cycles != 0) wait_cycles <= wait_cycles - 1;
            if (o__valid && o__ready) full <= 0;
            if (fault == 3 && full && !o__ready && wait_cycles == 1) o__payload[0] <= !o__payload[0];
            if (i__valid && i__ready) begin
                full <= fault != 13 || pixel != 9;
                pixel <= pixel + 1;
                wait_cycles <= fault == 4 && pixel == 9 ? 3 : pause;
                o__payload <= fault == 5 ? {difference, sum}
                            : fault == 6 && pixel == 9 ? {sum, difference} ^ 12'h040
                            : fault == 7 && pixel == 9 ? {sum, 6'bx}
                            : {sum, difference};
            end
        end
endmodule

module act (
    input  wire [7:0]  fault,
    input  wire        clk,
    input  wire        rst_n,
    input  wire        i__valid,
    output wire        i__ready,
    input  wire [11:0] i__payload,
    output reg         o__valid,
    input  wire        o__ready,
    output reg  [3:0]  o__payload
);
    reg [7:0] pixel;
    reg       seen;
    reg       repeated;
    wire signed [5:0] a = i__payload[5:0];
    wire signed [5:0] b = i__payload[11:6];
    wire [1:0] code_a = {1'b0, a >= -3} + {1'b0, a >= 0} + {1'b0, a >= 4};
    wire [1:0] code_b = {1'b0, b >= 8} + {1'b0, b >= 14} + {1'b0, b >= 20};
    wire stuck = (fault == 8 && pixel == 20) || (fault == 9 && !seen);
    assign i__ready = (!o__valid || o__ready) && !stuck;
    always @(posedge clk)
        if (!rst_n) begin
            o__valid <= 0;
            pixel <= 0;
            seen <= 0;
            repeated <= 0;
        end else begin
            seen <= o__ready;
            if (o__valid && o__ready) begin
                o__valid <= fault == 10 && pixel == 24 && !repeated;
                repeated <= pixel == 24;
            end
            if (i__valid && i__ready) begin
                o__valid <= 1;
                pixel <= pixel + 1;
                o__payload <= {code_b, code_a};
            end
        end
endmodule

module core (
    input  wire [7:0]  fault,
    input  wire       clk,
    input  wire       rst_n,
    input  wire       i__valid,
    output wire       i__ready,
    input  wire [7:0] i__payload,
    output wire       o__valid,
    input  wire       o__ready,
    output wire [3:0] o__payload
);
    wire        mixed_valid, mixed_ready;
    wire [11:0] mixed_payload;
    mix mix (
        .fault(fault), .clk(clk), .rst_n(rst_n),
        .i__valid(i__valid), .i__ready(i__ready), .i__payload(i__payload),
        .o__valid(mixed_valid), .o__ready(mixed_ready), .o__payload(mixed_payload)
    );
    act act (
        .fault(fault), .clk(clk), .rst_n(rst_n),
        .i__valid(mixed_valid), .i__ready(mixed_ready), .i__payload(mixed_payload),
        .o__valid(o__valid), .o__ready(o__ready), .o__payload(o__payload)
    );
endmodule

module toy #(parameter PIXELS = 12) (
    input  wire       aclk,
    input  wire       aresetn,
    input  wire       s_axis_tvalid,
    output wire       s_axis_tready,
    input  wire [7:0] s_axis_tdata,
    input  wire       s_axis_tlast,
    output wire       m_axis_tvalid,
    input  wire       m_axis_tready,
    output wire [7:0] m_axis_tdata,
    output wire       m_axis_tlast,
    output wire       error
);
    reg [7:0] fault [0:0];
    initial $readmemh("fault.mem", fault);
    reg [7:0] place;
    assign m_axis_tdata[7:4] = 4'b0;
    assign m_axis_tlast = place == (fault[0] == 11 ? PIXELS - 2 : PIXELS - 1);
    assign error = fault[0] == 12;
    core core (
        .fault(fault[0]), .clk(aclk), .rst_n(aresetn),
        .i__valid(s_axis_tvalid), .i__ready(s_axis_tready), .i__payload(s_axis_tdata),
        .o__valid(m_axis_tvalid), .o__ready(m_axis_tready), .o__payload(m_axis_tdata[3:0])
    );
    always @(posedge aclk)
        if (!aresetn) place <= 0;
        else if (m_axis_tvalid && m_axis_tready) place <= place == PIXELS - 1 ? 0 : place + 1;
endmodule
