// The behaviour of the cells that hw/seven_series.py places, for simulators alone: synthesis has its own.
module LUT6_2 #(
    parameter [63:0] INIT = 64'h0
) (
    input  wire I0, I1, I2, I3, I4, I5,
    output wire O5, O6
);
    assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
    assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module CARRY4 (
    input  wire       CI, CYINIT,
    input  wire [3:0] DI, S,
    output wire [3:0] O, CO
);
    wire c0 = CI | CYINIT;
    wire c1 = S[0] ? c0 : DI[0];
    wire c2 = S[1] ? c1 : DI[1];
    wire c3 = S[2] ? c2 : DI[2];
    wire c4 = S[3] ? c3 : DI[3];

    assign O  = S ^ {c3, c2, c1, c0};
    assign CO = {c4, c3, c2, c1};
endmodule
