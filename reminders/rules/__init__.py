"""The rules: values in, values out. No tables, no clock of their own."""
