"""What follows a call doesn't depend on the order of its events, whatever its step says about retries.

(product rule 14)
"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.people import make_script, make_step
from tests.reminders.results.test_order_of_events import EVENTS, end_state, open_one_call
from tests.rule_examples import try_examples

pytestmark = pytest.mark.django_db

STEPS: list[dict[str, Any]] = [
    {"max_tries": 1},
    {"max_tries": 2, "retry_voicemail": True},
    {"max_tries": 2, "retry_at_another_time": True, "retry_wait": timedelta(minutes=1)},
]


@given(data=st.data())
@try_examples(12)
def test_what_follows_a_call_is_the_same_for_any_order_and_repetition_of_its_events(
    db: None, data: st.DataObject
) -> None:
    with transaction.atomic():
        text = make_script("Your visit is {APPT_DATE}. STOP=opt out.", name="Text")
        step = data.draw(st.sampled_from(STEPS))
        make_step(script=make_script(), **step, fallback_script=data.draw(st.sampled_from([None, text])))
        call = open_one_call(*data.draw(st.sampled_from([["Sarah"], ["Sarah", "Elias"]])))
        chosen = data.draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4, unique=True))
        shuffled = data.draw(st.permutations(chosen + chosen[:1]))
        assert end_state(call, shuffled) == end_state(call, chosen)
        transaction.set_rollback(True)
