"""The rules. Pure: values in, values out; no tables and no clock.

By examples they are in tests/reminders/rules/rule_table.py.
"""
