// The behaviour of the cells that hw/targets/xc7/cells.py places, for simulators alone: synthesis has its own.
`ifdef VERILATOR

// The table of a LUT as a sum modulo 2 of products of its inputs. The coefficients are constants, so of most products
// nothing is left, and Verilator is faster by a half or more than with a look-up. In the same way the chain of a CARRY4
// is an addition, of DI and S ^ DI.
`define TRITFORGE_LUT5(c) \
    c[0] ^ (c[1] & I0) ^ (c[2] & I1) ^ (c[3] & I0 & I1) ^ (c[4] & I2) ^ (c[5] & I0 & I2) \
    ^ (c[6] & I1 & I2) ^ (c[7] & I0 & I1 & I2) ^ (c[8] & I3) ^ (c[9] & I0 & I3) ^ (c[10] & I1 & I3) \
    ^ (c[11] & I0 & I1 & I3) ^ (c[12] & I2 & I3) ^ (c[13] & I0 & I2 & I3) ^ (c[14] & I1 & I2 & I3) \
    ^ (c[15] & I0 & I1 & I2 & I3) ^ (c[16] & I4) ^ (c[17] & I0 & I4) ^ (c[18] & I1 & I4) \
    ^ (c[19] & I0 & I1 & I4) ^ (c[20] & I2 & I4) ^ (c[21] & I0 & I2 & I4) ^ (c[22] & I1 & I2 & I4) \
    ^ (c[23] & I0 & I1 & I2 & I4) ^ (c[24] & I3 & I4) ^ (c[25] & I0 & I3 & I4) ^ (c[26] & I1 & I3 & I4) \
    ^ (c[27] & I0 & I1 & I3 & I4) ^ (c[28] & I2 & I3 & I4) ^ (c[29] & I0 & I2 & I3 & I4) \
    ^ (c[30] & I1 & I2 & I3 & I4) ^ (c[31] & I0 & I1 & I2 & I3 & I4)

module LUT6_2 #(
    parameter [63:0] INIT = 64'h0
) (
    input  wire I0, I1, I2, I3, I4, I5,
    output wire O5, O6
);
    // the coefficient of a product is the parity of the table over all subsets of its inputs
    function [31:0] coefficients(input [31:0] table_bits);
        integer product, index;
        for (product = 0; product < 32; product = product + 1) begin
            coefficients[product] = 0;
            for (index = 0; index < 32; index = index + 1)
                if ((index & ~product) == 0)
                    coefficients[product] = coefficients[product] ^ table_bits[index];
        end
    endfunction

    localparam [31:0] LOW  = coefficients(INIT[31:0]);
    localparam [31:0] HIGH = coefficients(INIT[63:32]);
    wire high = `TRITFORGE_LUT5(HIGH);
    assign O5 = `TRITFORGE_LUT5(LOW);
    assign O6 = I5 ? high : O5;
endmodule

module CARRY4 (
    input  wire       CI, CYINIT,
    input  wire [3:0] DI, S,
    output wire [3:0] O, CO
);
    wire [4:0] sum     = {1'b0, DI} + {1'b0, S ^ DI} + {4'b0, CI | CYINIT};
    wire [4:0] carries = sum ^ {1'b0, S};
    assign O  = sum[3:0];
    assign CO = carries[4:1];
endmodule

`else

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

`endif

module MUXF7 (
    input  wire I0, I1, S,
    output wire O
);
    assign O = S ? I1 : I0;
endmodule

module MUXF8 (
    input  wire I0, I1, S,
    output wire O
);
    assign O = S ? I1 : I0;
endmodule
