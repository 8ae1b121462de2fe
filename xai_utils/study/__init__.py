"""What the paper's argument is tested with: contrasts, equivalent networks, roundings, checks."""
