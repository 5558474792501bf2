"""The rules. Pure: values in, values out; no tables and no clock."""
