// The behaviour of the cells of the ECP5 that Yosys maps to, but for LUT4 and CCU2C, which are in cells.v: for
// simulating a netlist, without delays. Ports and parameters as in Lattice FPGA-TN-02204, "ECP5 and ECP5-5G Memory
// User Guide", and FPGA-DS-02012; what Yosys ties is there and does nothing. Left out are output registers, chip
// selects and multipliers, which our designs do not have.

module PFUMX (input wire ALUT, BLUT, C0, output wire Z);
    assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (input wire D0, D1, SD, output wire Z);
    assign Z = SD ? D1 : D0;
endmodule

module TRELLIS_FF #(
    parameter GSR = "AUTO", CEMUX = "1", CLKMUX = "CLK", LSRMUX = "LSR", SRMODE = "LSR_OVER_CE", REGSET = "RESET",
    parameter LSRMODE = "LSR"
) (input wire CLK, LSR, CE, DI, M, output reg Q);
    localparam VALUE = REGSET == "SET";
    wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "INV" ? !CE : CE;
    wire reset  = LSRMUX == "INV" ? !LSR : LSR;
    wire clock  = CLKMUX == "INV" ? !CLK : CLK;

    initial Q = VALUE;
    generate
        if (SRMODE == "ASYNC") begin : asynchronous
            always @(posedge clock, posedge reset)
                if (reset) Q <= VALUE;
                else if (enable) Q <= DI;
        end else begin : synchronous
            always @(posedge clock)
                if (reset) Q <= VALUE;
                else if (enable) Q <= DI;
        end
    endgenerate
endmodule

// 16 words of 4 bits, written by the clock and read at once
module TRELLIS_DPR16X4 #(
    parameter WCKMUX = "WCK", WREMUX = "WRE",
    parameter [63:0] INITVAL = 0
) (input wire [3:0] DI, WAD, RAD, input wire WRE, WCK, output wire [3:0] DO);
    reg [3:0] words [0:15];
    integer n;
    initial for (n = 0; n < 16; n = n + 1) words[n] = INITVAL[4 * n +: 4];
    wire clock = WCKMUX == "INV" ? !WCK : WCK;
    always @(posedge clock) if (WREMUX == "1" || (WREMUX == "INV" ? !WRE : WRE)) words[WAD] <= DI;
    assign DO = words[RAD];
endmodule

// One port of a DP16KD: what it reads of the bytes of nine bits, and which it writes. A word of a byte or more begins at
// a multiple of its length; one of 1, 2 or 4 bits is a part of the lower eight of a byte.
module tritforge_dp16kd_port #(
    parameter integer WIDTH = 18,
    parameter WRITEMODE = "NORMAL", RESETMODE = "SYNC"
) (
    input  wire clock, enable, write, reset,
    input  wire [13:0] address,
    input  wire [35:0] there,                           // the word of up to four bytes that this one is in, as it is
    input  wire [35:0] put,
    output wire [35:0] next,                            // as it becomes
    output wire [10:0] first,                           // its first byte
    output reg  [35:0] got
);
    localparam integer BYTES = WIDTH < 9 ? 1 : WIDTH / 9;
    assign first = address[13:3] & ~(BYTES - 1);
    genvar n;
    generate
        if (WIDTH < 9) begin : part
            localparam [8:0] MASK = (1 << WIDTH) - 1;
            wire [2:0] low  = address[2:0] & ~(WIDTH - 1);
            wire [8:0] bits = MASK << low;
            assign next = {27'b0, there[8:0] & ~bits | put[8:0] << low & bits};
        end else for (n = 0; n < 4; n = n + 1) begin : bytes
            wire chosen = n < BYTES && (BYTES == 1 || address[n]);
            assign next[9 * n +: 9] = chosen ? put[9 * n +: 9] : there[9 * n +: 9];
        end
    endgenerate
    wire [35:0] word   = write && WRITEMODE == "WRITETHROUGH" ? next : there;
    wire [35:0] wanted = WIDTH < 9 ? word >> (address[2:0] & ~(WIDTH - 1)) : word;
    wire        keeps  = write && WRITEMODE == "NORMAL";
    initial got = 0;
    generate
        if (RESETMODE == "ASYNC") begin : asynchronous
            always @(posedge clock, posedge reset)
                if (reset) got <= 0;
                else if (enable && !keeps) got <= wanted;
        end else begin : synchronous
            always @(posedge clock)
                if (reset) got <= 0;
                else if (enable && !keeps) got <= wanted;
        end
    endgenerate
endmodule

// Both ports of 1 to 18 bits, or port A writes and port B reads up to 36, whose upper half is at B's pins. A read of what
// the other port writes in the same cycle gives the old value.
module DP16KD #(
    parameter integer DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "AUTO",
    parameter [319:0]
        INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0,
        INITVAL_06 = 0, INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
        INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0,
        INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
        INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0,
        INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
        INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0,
        INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
        INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0,
        INITVAL_36 = 0, INITVAL_37 = 0, INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
        INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0
) (
    input  wire CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input  wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8,
    input  wire ADA9, ADA10, ADA11, ADA12, ADA13,
    input  wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
    input  wire DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
    output wire DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
    input  wire CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input  wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8,
    input  wire ADB9, ADB10, ADB11, ADB12, ADB13,
    input  wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
    input  wire DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
    output wire DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
    localparam [64 * 320 - 1:0] DATA = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    reg [8:0]   bytes [0:2047];
    reg [319:0] row;
    integer n, k;
    initial for (n = 0; n < 64; n = n + 1) begin
        row = DATA[320 * n +: 320];
        for (k = 0; k < 16; k = k + 1) begin
            bytes[32 * n + 2 * k]     = row[20 * k +: 9];
            bytes[32 * n + 2 * k + 1] = row[20 * k + 9 +: 9];
        end
    end

    wire clock_a = CLKAMUX == "INV" ? !CLKA : CLKA;
    wire clock_b = CLKBMUX == "INV" ? !CLKB : CLKB;
    wire [13:0] address_a = {
        ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5,
        ADA4, ADA3, ADA2, ADA1, ADA0
    };
    wire [13:0] address_b = {
        ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5,
        ADB4, ADB3, ADB2, ADB1, ADB0
    };
    wire [17:0] in_a = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
        DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
    };
    wire [17:0] in_b = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
        DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0
    };
    wire [1:0]  clock   = {clock_b, clock_a};
    wire [1:0]  write   = {CEB && WEB && !(RSTB && RESETMODE == "SYNC"), CEA && WEA && !(RSTA && RESETMODE == "SYNC")};
    wire [35:0] got [0:1];
    genvar port, byte_;
    generate for (port = 0; port < 2; port = port + 1) begin : side
        localparam integer WIDTH = port ? DATA_WIDTH_B : DATA_WIDTH_A;
        wire [10:0] first;
        wire [35:0] there, next;
        for (byte_ = 0; byte_ < 4; byte_ = byte_ + 1) begin : word
            assign there[9 * byte_ +: 9] = bytes[(first + byte_) & 2047];
        end
        tritforge_dp16kd_port #(
            .WIDTH(WIDTH), .WRITEMODE(port ? WRITEMODE_B : WRITEMODE_A), .RESETMODE(RESETMODE)
        ) way (
            .clock(clock[port]), .enable(port ? CEB : CEA), .write(port ? WEB : WEA), .reset(port ? RSTB : RSTA),
            .address(port ? address_b : address_a), .there(there), .next(next), .first(first), .got(got[port]),
            .put(port ? {18'b0, in_b} : WIDTH == 36 ? {in_b, in_a} : {18'b0, in_a}));
        integer at;
        always @(posedge clock[port]) if (write[port])
            for (at = 0; at < (WIDTH < 9 ? 1 : WIDTH / 9); at = at + 1) bytes[first + at] <= next[9 * at +: 9];
    end endgenerate

    // a word of port B of less than 36 bits is at its own pins, but where A writes and B reads it is the upper half
    wire [35:0] out_b = DATA_WIDTH_B == 36 ? got[1] : {got[1][17:0], got[0][17:0]};
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
        DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
    } = out_b[35:18];
    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
        DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
    } = out_b[17:0];
endmodule
