"""The 7 series: Artix-7, Kintex-7, Virtex-7, Zynq-7000."""
