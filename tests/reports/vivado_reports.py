"""Reports in the form that Vivado documents, with figures of a little design."""

from __future__ import annotations

HEAD = """\
Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
-----------------------------------------------------------------------------------------
| Tool Version : Vivado v.{version} (lin64) Build 3671981 Fri Oct 14 04:59:54 MDT 2022
| Date         : Tue Jan  3 10:00:00 2023
| Host         : workstation running 64-bit
| Command      : report_utilization -file utilization.txt
| Design       : little
| Device       : xc7k480tffv901-2
| Speed File   : -2
| Design State : Routed
-----------------------------------------------------------------------------------------

"""

UTILIZATION = (
    HEAD
    + """\
Utilization Design Information

Table of Contents
-----------------
1. Slice Logic
2. Memory

1. Slice Logic
--------------

+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| Slice LUTs                 |  460 |     0 |          0 |    298600 |  0.15 |
|   LUT as Logic             |  400 |     0 |          0 |    298600 |  0.13 |
|   LUT as Memory            |   60 |     0 |          0 |    108600 |  0.06 |
|     LUT as Distributed RAM |   44 |     0 |            |           |       |
|     LUT as Shift Register  |   16 |     0 |            |           |       |
| Slice Registers            |  512 |     0 |          0 |    597200 |  0.09 |
+----------------------------+------+-------+------------+-----------+-------+
* Warning! LUT value is adjusted to account for LUT combining.


2. Memory
---------

+----------------+------+-------+------------+-----------+-------+
|    Site Type   | Used | Fixed | Prohibited | Available | Util% |
+----------------+------+-------+------------+-----------+-------+
| Block RAM Tile |  3.5 |     0 |          0 |       955 |  0.37 |
|   RAMB36/FIFO* |    3 |     0 |          0 |       955 |  0.31 |
|   RAMB18       |    1 |     0 |          0 |      1910 |  0.05 |
+----------------+------+-------+------------+-----------+-------+


3. DSP
------

+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      |    0 |     0 |          0 |      1920 |  0.00 |
+-----------+------+-------+------------+-----------+-------+
"""
)

LAYERS = (
    HEAD
    + """\
1. Utilization by Hierarchy
---------------------------

+-------------+-------------+------------+------------+---------+------+-----+--------+--------+------------+
|   Instance  |    Module   | Total LUTs | Logic LUTs | LUTRAMs | SRLs | FFs | RAMB36 | RAMB18 | DSP Blocks |
+-------------+-------------+------------+------------+---------+------+-----+--------+--------+------------+
| little      |       (top) |        460 |        400 |      44 |   16 | 512 |      3 |      1 |          0 |
|   (little)  |       (top) |         10 |         10 |       0 |    0 |  12 |      0 |      0 |          0 |
|   core      | little_core |        450 |        390 |      44 |   16 | 500 |      3 |      1 |          0 |
|     conv1   | core_conv1  |        100 |         60 |      40 |    0 | 100 |      0 |      1 |          0 |
|       array | conv1_array |         50 |         50 |       0 |    0 |  90 |      0 |      0 |          0 |
|     conv2   | core_conv2  |        340 |        320 |       4 |   16 | 380 |      3 |      0 |          0 |
+-------------+-------------+------------+------------+---------+------+-----+--------+--------+------------+
"""
)

TIMING = (
    HEAD
    + """\
Timing Summary Report

------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
      1.500        0.000                      0                 1404        0.053        0.000


All user specified timing constraints are met.

------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock  Waveform(ns)         Period(ns)      Frequency(MHz)
-----  ------------         ----------      --------------
aclk   {0.000 2.750}        5.500           181.818

"""
)


def write(folder, version="2022.2", **texts):
    """Write the three reports; a text that is given stands in place of its own, None for no
    file."""
    own = {"utilization": UTILIZATION, "utilization_layers": LAYERS, "timing": TIMING}
    for name, text in {**own, **texts}.items():
        if text is not None:
            (folder / f"{name}.txt").write_text(text.replace("{version}", version))
