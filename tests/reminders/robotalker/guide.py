"""The examples in Robotalker's guide, verbatim."""

CALL_REQUEST = """
{
  "to": "+12125550100",
  "from": "+18005550199",
  "message": "Hello {FIRST_NAME}, this is a reminder about your appointment on {APPT_DATE} at {APPT_TIME}. Press 1 to confirm or 2 to reschedule.",
  "voice": "en-US-Neural-F",
  "variables": {
    "FIRST_NAME": "Sarah",
    "APPT_DATE": "Tuesday, April 15th",
    "APPT_TIME": "3:15 PM"
  },
  "dtmf": {
    "1": {"action": "webhook", "url": "https://yourapp.com/confirm"},
    "2": {"action": "webhook", "url": "https://yourapp.com/reschedule"},
    "9": {"action": "optout"}
  },
  "webhook_url": "https://yourapp.com/call-status"
}
"""  # noqa: E501

CALL_ANSWER = """
{
  "call_id": "cal_9x7k2m4p",
  "status": "queued",
  "to": "+12125550100",
  "created_at": "2025-04-15T10:30:00Z"
}
"""

CALL_COMPLETED = """
{
  "event": "call.completed",
  "call_id": "cal_9x7k2m4p",
  "to": "+12125550100",
  "status": "answered",
  "duration_seconds": 28,
  "dtmf_response": "1",
  "amd_result": "human",
  "timestamp": "2025-04-15T10:30:45Z"
}
"""
