/* Requests to the sandbox's control API. */

export async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error?.message ?? `The sandbox responded with ${answer.status}.`);
  return result;
}

export const act = (call, action, body = {}) => ask(`/sandbox/calls/${call.call_id}/${action}`, "POST", body);
export const reply = (to, text) => ask("/sandbox/sms/reply", "POST", { to, text });
export const postAgain = (id) => ask(`/sandbox/posts/${id}/again`, "POST");
export const behave = (changes) => ask("/sandbox/behaviour", "PUT", changes);
export const setFaults = (kinds) => ask("/sandbox/faults", "PUT", { faults: kinds.map((kind) => ({ kind })) });

/** Everything the page shows, read at once. */
export async function readAll() {
  const [calls, texts, posts, faults, behaviour] = await Promise.all([
    ask("/sandbox/calls?limit=200"),
    ask("/sandbox/sms?limit=200"),
    ask("/sandbox/posts?limit=100"),
    ask("/sandbox/faults"),
    ask("/sandbox/behaviour"),
  ]);
  return { calls: calls.calls, texts: texts.texts, posts: posts.posts, faults: faults.faults, behaviour };
}
