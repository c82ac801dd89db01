// The behaviour of the cells of the 7 series and UltraScale+ that Yosys maps to, written for simulating a netlist: no
// delays, and an unknown input of a LUT makes its output unknown only where the output depends on it, as in silicon.
// Ports and parameters as in Xilinx UG953, "7 Series FPGAs and Zynq-7000 SoC Libraries Guide", and UG974, "UltraScale
// Architecture Libraries Guide". Block RAMs are in netlist_block_ram.v. DSPs and UltraRAM are left out on purpose:
// a netlist that has them does not compile here. MUXF9, to which Yosys does not map, is left out too.

module GND (output wire G); assign G = 1'b0; endmodule
module VCC (output wire P); assign P = 1'b1; endmodule
module INV (input wire I, output wire O); assign O = !I; endmodule

module LUT1 #(parameter [1:0] INIT = 0) (input wire I0, output wire O);
    assign O = I0 ? INIT[1] : INIT[0];
endmodule

module LUT2 #(parameter [3:0] INIT = 0) (input wire I0, I1, output wire O);
    wire [1:0] rest = I1 ? INIT[3:2] : INIT[1:0];
    assign O = I0 ? rest[1] : rest[0];
endmodule

module LUT3 #(parameter [7:0] INIT = 0) (input wire I0, I1, I2, output wire O);
    wire [3:0] a = I2 ? INIT[7:4] : INIT[3:0];
    wire [1:0] b = I1 ? a[3:2] : a[1:0];
    assign O = I0 ? b[1] : b[0];
endmodule

module LUT4 #(parameter [15:0] INIT = 0) (input wire I0, I1, I2, I3, output wire O);
    wire [7:0] a = I3 ? INIT[15:8] : INIT[7:0];
    wire [3:0] b = I2 ? a[7:4] : a[3:0];
    wire [1:0] c = I1 ? b[3:2] : b[1:0];
    assign O = I0 ? c[1] : c[0];
endmodule

module LUT5 #(parameter [31:0] INIT = 0) (input wire I0, I1, I2, I3, I4, output wire O);
    wire [15:0] a = I4 ? INIT[31:16] : INIT[15:0];
    wire [7:0]  b = I3 ? a[15:8] : a[7:0];
    wire [3:0]  c = I2 ? b[7:4] : b[3:0];
    wire [1:0]  d = I1 ? c[3:2] : c[1:0];
    assign O = I0 ? d[1] : d[0];
endmodule

module LUT6 #(parameter [63:0] INIT = 0) (input wire I0, I1, I2, I3, I4, I5, output wire O);
    wire low, high;
    LUT5 #(.INIT(INIT[31:0]))  half0 (.I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .O(low));
    LUT5 #(.INIT(INIT[63:32])) half1 (.I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .O(high));
    assign O = I5 ? high : low;
endmodule

module LUT6_2 #(parameter [63:0] INIT = 0) (input wire I0, I1, I2, I3, I4, I5, output wire O5, O6);
    wire high;
    LUT5 #(.INIT(INIT[31:0]))  half0 (.I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .O(O5));
    LUT5 #(.INIT(INIT[63:32])) half1 (.I0(I0), .I1(I1), .I2(I2), .I3(I3), .I4(I4), .O(high));
    assign O6 = I5 ? high : O5;
endmodule

module MUXF7 (input wire I0, I1, S, output wire O); assign O = S ? I1 : I0; endmodule
module MUXF8 (input wire I0, I1, S, output wire O); assign O = S ? I1 : I0; endmodule

// One of CI and CYINIT is tied to 0.
module CARRY4 (input wire CI, CYINIT, input wire [3:0] DI, S, output wire [3:0] O, CO);
`ifdef VERILATOR
    // the same, as an addition: one instead of four steps
    wire [4:0] sum     = {1'b0, DI} + {1'b0, S ^ DI} + {4'b0, CI | CYINIT};
    wire [4:0] carries = sum ^ {1'b0, S};
    assign O  = sum[3:0];
    assign CO = carries[4:1];
`else
    wire first = CI | CYINIT;
    wire c1 = S[0] ? first : DI[0];
    wire c2 = S[1] ? c1 : DI[1];
    wire c3 = S[2] ? c2 : DI[2];
    wire c4 = S[3] ? c3 : DI[3];
    assign CO = {c4, c3, c2, c1};
    assign O  = S ^ {c3, c2, c1, first};
`endif
endmodule

module FDRE #(parameter [0:0] INIT = 0) (input wire C, CE, D, R, output reg Q);
    initial Q = INIT;
    always @(posedge C)
        if (R) Q <= 1'b0;
        else if (CE) Q <= D;
endmodule

module FDSE #(parameter [0:0] INIT = 1) (input wire C, CE, D, S, output reg Q);
    initial Q = INIT;
    always @(posedge C)
        if (S) Q <= 1'b1;
        else if (CE) Q <= D;
endmodule

module SRL16E #(parameter [15:0] INIT = 0) (input wire A0, A1, A2, A3, CE, CLK, D, output wire Q);
    reg [15:0] bits;
    initial bits = INIT;
    always @(posedge CLK) if (CE) bits <= {bits[14:0], D};
    assign Q = bits[{A3, A2, A1, A0}];
endmodule

module SRLC32E #(parameter [31:0] INIT = 0) (input wire [4:0] A, input wire CE, CLK, D, output wire Q, Q31);
    reg [31:0] bits;
    initial bits = INIT;
    always @(posedge CLK) if (CE) bits <= {bits[30:0], D};
    assign Q   = bits[A];
    assign Q31 = bits[31];
endmodule

// COLUMNS of 64 bits. All are written at one address, PUT bits of each, and each is read at its own, GOT bits.
module tritforge_columns #(
    parameter integer COLUMNS = 4, PUT = 2, GOT = 2,
    parameter [64 * COLUMNS - 1:0] INIT = 0
) (
    input  wire                             clock, write,
    input  wire [6 - PUT:0]                 to,
    input  wire [PUT * COLUMNS - 1:0]       put,
    input  wire [(7 - GOT) * COLUMNS - 1:0] from,
    output wire [GOT * COLUMNS - 1:0]       got
);
    genvar n;
    generate for (n = 0; n < COLUMNS; n = n + 1) begin : column
        wire [6 - GOT:0] at = from[(7 - GOT) * n +: 7 - GOT];
        reg [63:0] bits;
        initial bits = INIT[64 * n +: 64];
        always @(posedge clock) if (write) bits[to * PUT +: PUT] <= put[PUT * n +: PUT];
        assign got[GOT * n +: GOT] = bits[at * GOT +: GOT];
    end endgenerate
endmodule

module RAM32M #(
    parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0
) (
    input  wire [4:0] ADDRA, ADDRB, ADDRC, ADDRD,
    input  wire [1:0] DIA, DIB, DIC, DID,
    input  wire       WCLK, WE,
    output wire [1:0] DOA, DOB, DOC, DOD
);
    tritforge_columns #(.COLUMNS(4), .PUT(2), .GOT(2), .INIT({INIT_D, INIT_C, INIT_B, INIT_A})) columns (
        WCLK, WE, ADDRD, {DID, DIC, DIB, DIA}, {ADDRD, ADDRC, ADDRB, ADDRA}, {DOD, DOC, DOB, DOA}
    );
endmodule

module RAM64M #(
    parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0
) (
    input  wire [5:0] ADDRA, ADDRB, ADDRC, ADDRD,
    input  wire       DIA, DIB, DIC, DID,
    input  wire       WCLK, WE,
    output wire       DOA, DOB, DOC, DOD
);
    tritforge_columns #(.COLUMNS(4), .PUT(1), .GOT(1), .INIT({INIT_D, INIT_C, INIT_B, INIT_A})) columns (
        WCLK, WE, ADDRD, {DID, DIC, DIB, DIA}, {ADDRD, ADDRC, ADDRB, ADDRA}, {DOD, DOC, DOB, DOA}
    );
endmodule

module RAM32M16 #(
    parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0, INIT_G = 0, INIT_H = 0
) (
    input  wire [4:0] ADDRA, ADDRB, ADDRC, ADDRD, ADDRE, ADDRF, ADDRG, ADDRH,
    input  wire [1:0] DIA, DIB, DIC, DID, DIE, DIF, DIG, DIH,
    input  wire       WCLK, WE,
    output wire [1:0] DOA, DOB, DOC, DOD, DOE, DOF, DOG, DOH
);
    tritforge_columns #(
        .COLUMNS(8), .PUT(2), .GOT(2), .INIT({INIT_H, INIT_G, INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A})
    ) columns (
        WCLK, WE, ADDRH, {DIH, DIG, DIF, DIE, DID, DIC, DIB, DIA},
        {ADDRH, ADDRG, ADDRF, ADDRE, ADDRD, ADDRC, ADDRB, ADDRA}, {DOH, DOG, DOF, DOE, DOD, DOC, DOB, DOA}
    );
endmodule

module RAM64M8 #(
    parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0, INIT_G = 0, INIT_H = 0
) (
    input  wire [5:0] ADDRA, ADDRB, ADDRC, ADDRD, ADDRE, ADDRF, ADDRG, ADDRH,
    input  wire       DIA, DIB, DIC, DID, DIE, DIF, DIG, DIH,
    input  wire       WCLK, WE,
    output wire       DOA, DOB, DOC, DOD, DOE, DOF, DOG, DOH
);
    tritforge_columns #(
        .COLUMNS(8), .PUT(1), .GOT(1), .INIT({INIT_H, INIT_G, INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A})
    ) columns (
        WCLK, WE, ADDRH, {DIH, DIG, DIF, DIE, DID, DIC, DIB, DIA},
        {ADDRH, ADDRG, ADDRF, ADDRE, ADDRD, ADDRC, ADDRB, ADDRA}, {DOH, DOG, DOF, DOE, DOD, DOC, DOB, DOA}
    );
endmodule

// Eight columns read together, of which WSEL chooses the one that is written; A is the highest.
module RAM64X8SW #(
    parameter [63:0] INIT_A = 0, INIT_B = 0, INIT_C = 0, INIT_D = 0, INIT_E = 0, INIT_F = 0, INIT_G = 0, INIT_H = 0
) (
    input wire [5:0] A, input wire [2:0] WSEL, input wire D, WCLK, WE, output wire [7:0] O
);
    reg [511:0] bits;
    initial bits = {INIT_A, INIT_B, INIT_C, INIT_D, INIT_E, INIT_F, INIT_G, INIT_H};
    always @(posedge WCLK) if (WE) bits[{WSEL, A}] <= D;
    genvar n;
    generate for (n = 0; n < 8; n = n + 1) begin : column
        wire [2:0] number = n;
        assign O[n] = bits[{number, A}];
    end endgenerate
endmodule

// Two addresses are written at a time, at H, and one is read at each of A..G. It begins undefined.
module RAM32X16DR8 (
    input  wire [5:0] ADDRA, ADDRB, ADDRC, ADDRD, ADDRE, ADDRF, ADDRG,
    input  wire [4:0] ADDRH,
    input  wire [1:0] DIA, DIB, DIC, DID, DIE, DIF, DIG, DIH,
    input  wire       WCLK, WE,
    output wire       DOA, DOB, DOC, DOD, DOE, DOF, DOG,
    output wire [1:0] DOH
);
    tritforge_columns #(.COLUMNS(7), .PUT(2), .GOT(1), .INIT({448{1'bx}})) columns (
        WCLK, WE, ADDRH, {DIG, DIF, DIE, DID, DIC, DIB, DIA}, {ADDRG, ADDRF, ADDRE, ADDRD, ADDRC, ADDRB, ADDRA},
        {DOG, DOF, DOE, DOD, DOC, DOB, DOA}
    );
    tritforge_columns #(.COLUMNS(1), .PUT(2), .GOT(2), .INIT({64{1'bx}})) own (WCLK, WE, ADDRH, DIH, ADDRH, DOH);
endmodule

module RAM32X1D #(parameter [31:0] INIT = 0) (
    input wire A0, A1, A2, A3, A4, D, DPRA0, DPRA1, DPRA2, DPRA3, DPRA4, WCLK, WE, output wire DPO, SPO
);
    reg [31:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[{A4, A3, A2, A1, A0}] <= D;
    assign SPO = bits[{A4, A3, A2, A1, A0}];
    assign DPO = bits[{DPRA4, DPRA3, DPRA2, DPRA1, DPRA0}];
endmodule

module RAM64X1D #(parameter [63:0] INIT = 0) (
    input wire A0, A1, A2, A3, A4, A5, D, DPRA0, DPRA1, DPRA2, DPRA3, DPRA4, DPRA5, WCLK, WE, output wire DPO, SPO
);
    reg [63:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[{A5, A4, A3, A2, A1, A0}] <= D;
    assign SPO = bits[{A5, A4, A3, A2, A1, A0}];
    assign DPO = bits[{DPRA5, DPRA4, DPRA3, DPRA2, DPRA1, DPRA0}];
endmodule

module RAM128X1D #(parameter [127:0] INIT = 0) (
    input wire [6:0] A, DPRA, input wire D, WCLK, WE, output wire DPO, SPO
);
    reg [127:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[A] <= D;
    assign SPO = bits[A];
    assign DPO = bits[DPRA];
endmodule

module RAM256X1D #(parameter [255:0] INIT = 0) (
    input wire [7:0] A, DPRA, input wire D, WCLK, WE, output wire DPO, SPO
);
    reg [255:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[A] <= D;
    assign SPO = bits[A];
    assign DPO = bits[DPRA];
endmodule

module RAM32X1S #(parameter [31:0] INIT = 0) (input wire A0, A1, A2, A3, A4, D, WCLK, WE, output wire O);
    reg [31:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[{A4, A3, A2, A1, A0}] <= D;
    assign O = bits[{A4, A3, A2, A1, A0}];
endmodule

module RAM64X1S #(parameter [63:0] INIT = 0) (input wire A0, A1, A2, A3, A4, A5, D, WCLK, WE, output wire O);
    reg [63:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[{A5, A4, A3, A2, A1, A0}] <= D;
    assign O = bits[{A5, A4, A3, A2, A1, A0}];
endmodule

module RAM128X1S #(parameter [127:0] INIT = 0) (
    input wire A0, A1, A2, A3, A4, A5, A6, D, WCLK, WE, output wire O
);
    reg [127:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[{A6, A5, A4, A3, A2, A1, A0}] <= D;
    assign O = bits[{A6, A5, A4, A3, A2, A1, A0}];
endmodule

module RAM256X1S #(parameter [255:0] INIT = 0) (input wire [7:0] A, input wire D, WCLK, WE, output wire O);
    reg [255:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[A] <= D;
    assign O = bits[A];
endmodule

// Named in Yosys' maps, which Yosys 0.70 does not reach: it stops at a single port memory of more than 256 words.
module RAM512X1S #(parameter [511:0] INIT = 0) (input wire [8:0] A, input wire D, WCLK, WE, output wire O);
    reg [511:0] bits;
    initial bits = INIT;
    always @(posedge WCLK) if (WE) bits[A] <= D;
    assign O = bits[A];
endmodule
