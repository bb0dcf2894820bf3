"""What others may pull from us: collections of objects, and TAXII 2.1 without its HTTP."""
