"""The engine `array`: PE x SIMD add/subtract lanes, weights streamed from ROM."""
