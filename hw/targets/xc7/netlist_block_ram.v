// The behaviour of the block RAMs of the 7 series (E1) and of UltraScale+ (E2) in netlists by Yosys: see
// netlist_cells.v for the documents that name their ports and parameters.
// Both ports as memories of 1 to 36 bits (true dual port), or port A reads and port B writes up to 72 (simple dual
// port), as in Xilinx UG473, "7 Series FPGAs Memory Resources", and UG573, "UltraScale Architecture Memory Resources".
// Left out are output registers, cascades, error correction, inverted pins and a reset to another value than 0, with
// the ports that they alone need. ADDRENA, ADDRENB and SLEEP, which Yosys ties, are there and do nothing. A read of
// what the other port writes in the same cycle gives the old value.

// A memory of BYTES bytes with a parity bit each. Port 0 is A, port 1 is B, each with HALF bytes. In simple dual port A
// reads and B writes; words of 2 * HALF bytes have their upper half at B's outputs and their lower half at A's inputs.
module tritforge_block_ram #(
    parameter integer BYTES = 2048, HALF = 2,
    parameter [8 * BYTES - 1:0] DATA = 0,
    parameter [BYTES - 1:0] PARITY = 0,
    parameter SIMPLE = 0,
    parameter integer READ_A = 0, READ_B = 0, WRITE_A = 0, WRITE_B = 0,
    parameter FIRST_A = 0, FIRST_B = 0, HOLDS_A = 0, HOLDS_B = 0
) (
    input  wire [1:0] clock, enable, reset,                 // of B and A
    input  wire [15:0] address_a, address_b,                // of a bit
    input  wire [HALF - 1:0] write_a, parity_a, parity_b,
    input  wire [2 * HALF - 1:0] write_b,
    input  wire [8 * HALF - 1:0] data_a, data_b,
    output wire [8 * HALF - 1:0] q_a, q_b,
    output wire [HALF - 1:0] p_a, p_b
);
    reg [7:0] memory [0:BYTES - 1];
    reg       extra  [0:BYTES - 1];
    reg [255:0] some;           // row by row: a simulator may copy all of DATA for each bit that is taken from it
    integer row, n;
    initial begin
        for (row = 0; row < BYTES / 32; row = row + 1) begin
            some = DATA[256 * row +: 256];
            for (n = 0; n < 32; n = n + 1) memory[32 * row + n] = some[8 * n +: 8];
        end
        for (row = 0; row < BYTES / 256; row = row + 1) begin
            some = PARITY[256 * row +: 256];
            for (n = 0; n < 256; n = n + 1) extra[256 * row + n] = some[n];
        end
    end

    wire [16 * HALF - 1:0] q_0, q_1;
    wire [2 * HALF - 1:0]  p_0, p_1;
    assign q_a = q_0[8 * HALF - 1:0];
    assign p_a = p_0[HALF - 1:0];
    assign q_b = SIMPLE ? q_0[16 * HALF - 1:8 * HALF] : q_1[8 * HALF - 1:0];
    assign p_b = SIMPLE ? p_0[2 * HALF - 1:HALF] : p_1[HALF - 1:0];

    genvar port;
    generate for (port = 0; port < 2; port = port + 1) begin : side
        localparam integer READ  = port ? READ_B : READ_A;
        localparam integer WRITE = port ? WRITE_B : WRITE_A;
        localparam FIRST = port ? FIRST_B : FIRST_A;
        localparam HOLDS = port ? HOLDS_B : HOLDS_A;
        // a word begins at a multiple of its length, which for 9 bits and more is a power of two of bytes
        localparam integer GOT = READ < 9 ? 1 : READ / 9;
        localparam integer PUT = WRITE < 9 ? 1 : WRITE / 9;
        localparam WIDE = SIMPLE && WRITE == 18 * HALF;     // beyond one port
        wire [15:0]            address = port ? address_b : address_a;
        wire [2 * HALF - 1:0]  puts    = WRITE == 0 ? 0 : port ? write_b : {{HALF{1'b0}}, write_a};
        wire [16 * HALF - 1:0] data    = WIDE ? {data_b, data_a} : {2{port ? data_b : data_a}};
        wire [2 * HALF - 1:0]  parity  = WIDE ? {parity_b, parity_a} : {2{port ? parity_b : parity_a}};
        wire [12:0]            from    = address[15:3] & ~(GOT - 1);
        wire [12:0]            to      = address[15:3] & ~(PUT - 1);
        wire [2:0]             bit_0   = address[2:0] & ~(WRITE - 1);
        reg  [16 * HALF - 1:0] q;
        reg  [2 * HALF - 1:0]  p;
        integer k;
        initial begin
            q = 0;
            p = 0;
        end
        always @(posedge clock[port]) if (enable[port]) begin
            if (READ != 0 && !(HOLDS && puts != 0)) begin
                if (reset[port]) begin
                    q <= 0;
                    p <= 0;
                end else if (READ < 9)
                    q <= (FIRST && puts[0] ? data : memory[from] >> (address[2:0] & ~(READ - 1))) & ((1 << READ) - 1);
                else
                    for (k = 0; k < GOT; k = k + 1) begin
                        q[8 * k +: 8] <= FIRST && puts[k] ? data[8 * k +: 8] : memory[from + k];
                        p[k]          <= FIRST && puts[k] ? parity[k] : extra[from + k];
                    end
            end
            if (WRITE < 9) begin
                for (k = 0; k < WRITE; k = k + 1) if (puts[0]) memory[to][bit_0 + k] <= data[k];
            end else
                for (k = 0; k < PUT; k = k + 1) if (puts[k]) begin
                    memory[to + k] <= data[8 * k +: 8];
                    extra[to + k]  <= parity[k];
                end
        end
    end endgenerate
    assign q_0 = side[0].q;
    assign p_0 = side[0].p;
    assign q_1 = side[1].q;
    assign p_1 = side[1].p;
endmodule

// What the cells have in common: 18 Kb begin the lists of 36 Kb.
`define TRITFORGE_INIT_18 \
    INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0, \
    INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0, INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0, \
    INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0, INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0, \
    INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0, INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0, \
    INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0, INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0, \
    INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0, INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0, \
    INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0, INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0, \
    INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0, INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0, \
    INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0, INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0
`define TRITFORGE_INIT_36 \
    `TRITFORGE_INIT_18, \
    INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0, INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0, \
    INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0, INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0, \
    INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0, INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0, \
    INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0, INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0, \
    INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0, INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0, \
    INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0, INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0, \
    INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0, INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0, \
    INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0, INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0, \
    INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0, INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0
`define TRITFORGE_PARITY_18 \
    INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
`define TRITFORGE_PARITY_36 \
    INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, \
    `TRITFORGE_PARITY_18
`define TRITFORGE_DATA_18 \
    INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, \
    INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, \
    INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28, \
    INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, \
    INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, \
    INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10, \
    INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, \
    INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
`define TRITFORGE_DATA_36 \
    INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, \
    INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70, \
    INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68, \
    INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, \
    INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58, \
    INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50, \
    INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48, \
    INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40, \
    `TRITFORGE_DATA_18
`define TRITFORGE_PARAMETERS(MODE, REGISTERED, BITS) \
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0, \
    parameter WRITE_MODE_A = MODE, WRITE_MODE_B = MODE, \
    parameter integer DOA_REG = REGISTERED, DOB_REG = REGISTERED, \
    parameter [BITS - 1:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0
`define TRITFORGE_PORTS(ADDRESS, DI_A, DIP_A, DI_B, DIP_B, DO_A, DOP_A, DO_B, DOP_B) \
    input  wire [ADDRESS - 1:0] ADDRARDADDR, ADDRBWRADDR, \
    input  wire [8 * HALF - 1:0] DI_A, DI_B, \
    input  wire [HALF - 1:0] DIP_A, DIP_B, WEA, \
    input  wire [2 * HALF - 1:0] WEBWE, \
    input  wire CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, \
    input  wire RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, \
    output wire [8 * HALF - 1:0] DO_A, DO_B, \
    output wire [HALF - 1:0] DOP_A, DOP_B
// the address of a bit, of 16 Kb in 2 bytes a port and of 32 Kb in 4
`define TRITFORGE_RAM(TWO_PORTS, DI_A, DIP_A, DI_B, DIP_B, DO_A, DOP_A, DO_B, DOP_B) \
    initial if (DOA_REG != 0 || DOB_REG != 0 || INIT_A != 0 || INIT_B != 0 || SRVAL_A != 0 || SRVAL_B != 0) begin \
        $display("%m: output registers, and values of them other than 0, are not modelled"); \
        $finish; \
    end \
    tritforge_block_ram #( \
        .BYTES(1024 * HALF), .HALF(HALF), .DATA(DATA), .PARITY(PARITY), .SIMPLE(TWO_PORTS), \
        .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B), \
        .FIRST_A(WRITE_MODE_A == "WRITE_FIRST"), .FIRST_B(WRITE_MODE_B == "WRITE_FIRST"), \
        .HOLDS_A(WRITE_MODE_A == "NO_CHANGE"), .HOLDS_B(WRITE_MODE_B == "NO_CHANGE") \
    ) ram ( \
        .clock({CLKBWRCLK, CLKARDCLK}), .enable({ENBWREN, ENARDEN}), .reset({RSTRAMB, RSTRAMARSTRAM}), \
        .address_a({{(3 - HALF / 2){1'b0}}, ADDRARDADDR[12 + HALF / 2:0]}), \
        .address_b({{(3 - HALF / 2){1'b0}}, ADDRBWRADDR[12 + HALF / 2:0]}), \
        .write_a(WEA), .data_a(DI_A), .parity_a(DIP_A), .write_b(WEBWE), .data_b(DI_B), .parity_b(DIP_B), \
        .q_a(DO_A), .p_a(DOP_A), .q_b(DO_B), .p_b(DOP_B) \
    )

module RAMB18E1 #(
    parameter [255:0] `TRITFORGE_INIT_18,
    parameter RAM_MODE = "TDP",
    `TRITFORGE_PARAMETERS("WRITE_FIRST", 0, 72),
    parameter integer HALF = 2
) (
    `TRITFORGE_PORTS(14, DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP)
);
    localparam [8192 * HALF - 1:0] DATA = {`TRITFORGE_DATA_18};
    localparam [1024 * HALF - 1:0] PARITY = {`TRITFORGE_PARITY_18};
    `TRITFORGE_RAM(RAM_MODE == "SDP", DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP);
endmodule

module RAMB36E1 #(
    parameter [255:0] `TRITFORGE_INIT_36,
    parameter RAM_MODE = "TDP",
    parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE",
    `TRITFORGE_PARAMETERS("WRITE_FIRST", 0, 72),
    parameter integer HALF = 4
) (
    `TRITFORGE_PORTS(16, DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP)
);
    localparam [8192 * HALF - 1:0] DATA = {`TRITFORGE_DATA_36};
    localparam [1024 * HALF - 1:0] PARITY = {`TRITFORGE_PARITY_36};
    initial if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE") begin
        $display("%m: cascades are not modelled");
        $finish;
    end
    `TRITFORGE_RAM(RAM_MODE == "SDP", DIADI, DIPADIP, DIBDI, DIPBDIP, DOADO, DOPADOP, DOBDO, DOPBDOP);
endmodule

// Without RAM_MODE: a width beyond one port makes it simple dual port.
module RAMB18E2 #(
    parameter [255:0] `TRITFORGE_INIT_18,
    `TRITFORGE_PARAMETERS("NO_CHANGE", 1, 18),
    parameter integer HALF = 2
) (
    `TRITFORGE_PORTS(14, DINADIN, DINPADINP, DINBDIN, DINPBDINP, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP),
    input  wire ADDRENA, ADDRENB, SLEEP
);
    localparam [8192 * HALF - 1:0] DATA = {`TRITFORGE_DATA_18};
    localparam [1024 * HALF - 1:0] PARITY = {`TRITFORGE_PARITY_18};
    `TRITFORGE_RAM(READ_WIDTH_A == 18 * HALF || WRITE_WIDTH_B == 18 * HALF,
        DINADIN, DINPADINP, DINBDIN, DINPBDINP, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP);
endmodule

module RAMB36E2 #(
    parameter [255:0] `TRITFORGE_INIT_36,
    `TRITFORGE_PARAMETERS("NO_CHANGE", 1, 36),
    parameter integer HALF = 4
) (
    `TRITFORGE_PORTS(15, DINADIN, DINPADINP, DINBDIN, DINPBDINP, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP),
    input  wire ADDRENA, ADDRENB, SLEEP
);
    localparam [8192 * HALF - 1:0] DATA = {`TRITFORGE_DATA_36};
    localparam [1024 * HALF - 1:0] PARITY = {`TRITFORGE_PARITY_36};
    `TRITFORGE_RAM(READ_WIDTH_A == 18 * HALF || WRITE_WIDTH_B == 18 * HALF,
        DINADIN, DINPADINP, DINBDIN, DINPBDINP, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP);
endmodule

`undef TRITFORGE_INIT_18
`undef TRITFORGE_INIT_36
`undef TRITFORGE_PARITY_18
`undef TRITFORGE_PARITY_36
`undef TRITFORGE_DATA_18
`undef TRITFORGE_DATA_36
`undef TRITFORGE_PARAMETERS
`undef TRITFORGE_PORTS
`undef TRITFORGE_RAM
