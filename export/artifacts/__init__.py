"""Files that a design is handed over as: ROM images, weight packing, the manifest."""
