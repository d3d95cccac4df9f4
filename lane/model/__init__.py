"""The words of the trade: enums, grounds, declarations, configuration. Pure data, no behaviour beyond validation."""
