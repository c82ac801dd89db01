"""Reading datasets: each format in a file of its own, all of them into
``tritforge.quant.data.dataset.Dataset``."""
