// The behaviour of the cells that hw/ecp5.py places, for simulators alone: synthesis has its own.
module LUT4 #(
    parameter [15:0] INIT = 16'h0
) (
    input  wire A, B, C, D,
    output wire Z
);
    assign Z = INIT[{D, C, B, A}];
endmodule

module CCU2C #(
    parameter [15:0] INIT0     = 16'h0,
    parameter [15:0] INIT1     = 16'h0,
    parameter        INJECT1_0 = "NO",
    parameter        INJECT1_1 = "NO"
) (
    input  wire CIN,
    input  wire A0, B0, C0, D0,
    input  wire A1, B1, C1, D1,
    output wire S0, S1, COUT
);
    wire z0    = INIT0[{D0, C0, B0, A0}];
    wire z1    = INIT1[{D1, C1, B1, A1}];
    wire carry = z0 ? CIN : INIT0[{2'b0, B0, A0}];

    assign S0   = z0 ^ CIN;
    assign S1   = z1 ^ carry;
    assign COUT = z1 ? carry : INIT1[{2'b0, B1, A1}];
endmodule
