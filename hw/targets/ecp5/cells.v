// The behaviour of the cells that hw/targets/ecp5/cells.py places, for simulators alone: synthesis has its own. An unknown input makes an
// output unknown only where the output depends on it, as in silicon.
module LUT4 #(
    parameter [15:0] INIT = 16'h0
) (
    input  wire A, B, C, D,
    output wire Z
);
    wire [7:0] of_d = D ? INIT[15:8] : INIT[7:0];
    wire [3:0] of_c = C ? of_d[7:4] : of_d[3:0];
    wire [1:0] of_b = B ? of_c[3:2] : of_c[1:0];
    assign Z = A ? of_b[1] : of_b[0];
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
    wire z0, g0, z1, g1;
    LUT4 #(.INIT(INIT0)) lut_0 (.A(A0), .B(B0), .C(C0), .D(D0), .Z(z0));
    LUT4 #(.INIT(INIT0)) low_0 (.A(A0), .B(B0), .C(1'b0), .D(1'b0), .Z(g0));
    LUT4 #(.INIT(INIT1)) lut_1 (.A(A1), .B(B1), .C(C1), .D(D1), .Z(z1));
    LUT4 #(.INIT(INIT1)) low_1 (.A(A1), .B(B1), .C(1'b0), .D(1'b0), .Z(g1));
    wire carry = z0 ? CIN : g0;

    assign S0   = z0 ^ CIN;
    assign S1   = z1 ^ carry;
    assign COUT = z1 ? carry : g1;
endmodule
