// What Open Responses demands of a server's answers: which members there are, and of what type. Other members may be
// there as well. A check returns the places that are wrong, each with what it should be.
const type = (name, is) => (value, at) => (is(value) ? [] : [`${at} is not ${name}: ${JSON.stringify(value)}`]);

const text = type('a text', (value) => typeof value === 'string');
const number = type('a number', (value) => typeof value === 'number');
const integer = type('an integer', Number.isInteger);
const flag = type('a boolean', (value) => typeof value === 'boolean');
const anything = () => [];
const one = (...values) => type(`one of ${values.join(', ')}`, (value) => values.includes(value));
const orNull = (check) => (value, at) => (value === null ? [] : check(value, at));
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const list = (check) => (value, at) =>
    Array.isArray(value) ? value.flatMap((item, i) => check(item, `${at}[${i}]`)) : [`${at} is not a list`];

/** An object with these members. A name that ends with `?` may be missing, but is not null then. */
const object = (members) => (value, at) => {
    if (!isObject(value)) return [`${at} is not an object`];
    return Object.entries(members).flatMap(([key, check]) => {
        const name = key.replace('?', '');
        if (name in value) return check(value[name], `${at}.${name}`);
        return key.endsWith('?') ? [] : [`${at}.${name} is missing`];
    });
};

/** An object whose `type` says which it is. */
const typed = (types) => (value, at) => {
    if (!isObject(value)) return [`${at} is not an object`];
    const members = types[value.type];
    return members ? object({ type: text, ...members })(value, at) : [`${at}.type is unknown: ${value.type}`];
};

const status = one('in_progress', 'completed', 'incomplete');
const annotation = typed({ url_citation: { url: text, title: text, start_index: integer, end_index: integer } });
const topLogprob = { token: text, logprob: number, bytes: list(integer) };
const logprobs = list(object({ ...topLogprob, top_logprobs: list(object(topLogprob)) }));
const image = { image_url: orNull(text), detail: one('low', 'high', 'auto') };
const file = { 'filename?': text, 'file_url?': text };
const part = typed({
    input_text: { text },
    output_text: { text, annotations: list(annotation), 'logprobs?': logprobs },
    text: { text },
    summary_text: { text },
    reasoning_text: { text },
    refusal: { refusal: text },
    input_image: image,
    input_file: file,
    input_video: { video_url: text },
});
const inputPart = typed({ input_text: { text }, input_image: image, input_file: file });

export const item = typed({
    message: {
        id: text, status, role: one('user', 'assistant', 'system', 'developer'), content: list(part),
        'phase?': one('commentary', 'final_answer'),
    },
    function_call: { id: text, call_id: text, name: text, arguments: text, status },
    function_call_output: {
        id: text, call_id: text, status,
        output: (value, at) => (typeof value === 'string' ? [] : list(inputPart)(value, at)),
    },
    reasoning: { id: text, summary: list(part), 'content?': list(part), 'encrypted_content?': text },
    compaction: { id: text, encrypted_content: text, 'created_by?': text },
});

const usage = object({
    input_tokens: integer,
    output_tokens: integer,
    total_tokens: integer,
    input_tokens_details: object({ cached_tokens: integer }),
    output_tokens_details: object({ reasoning_tokens: integer }),
});
const tool = typed({
    function: { name: text, description: orNull(text), parameters: orNull(object({})), strict: orNull(flag) },
});
const mode = one('none', 'auto', 'required');
const functionChoice = typed({ function: { 'name?': text } });
const choice = typed({ function: { 'name?': text }, allowed_tools: { tools: list(functionChoice), mode } });
const format = typed({ text: {}, json_object: {}, json_schema: { name: text, description: orNull(text), strict: flag } });

export const response = object({
    id: text,
    object: one('response'),
    created_at: integer,
    completed_at: orNull(integer),
    status: text,
    incomplete_details: orNull(object({ reason: text })),
    model: text,
    previous_response_id: orNull(text),
    instructions: orNull(text),
    output: list(item),
    error: orNull(object({ code: text, message: text })),
    tools: list(tool),
    tool_choice: (value, at) => (typeof value === 'string' ? mode : choice)(value, at),
    truncation: one('auto', 'disabled'),
    parallel_tool_calls: flag,
    text: object({ format, 'verbosity?': one('low', 'medium', 'high') }),
    top_p: number,
    presence_penalty: number,
    frequency_penalty: number,
    top_logprobs: integer,
    temperature: number,
    reasoning: orNull(object({
        effort: orNull(one('none', 'low', 'medium', 'high', 'xhigh')),
        summary: orNull(one('concise', 'detailed', 'auto')),
    })),
    usage: orNull(usage),
    max_output_tokens: orNull(integer),
    max_tool_calls: orNull(integer),
    store: flag,
    background: flag,
    service_tier: text,
    metadata: object({}),
    safety_identifier: orNull(text),
    prompt_cache_key: orNull(text),
});

export const compaction = object({
    id: text, object: one('response.compaction'), created_at: integer, output: list(item), usage,
});

const ofResponse = { response };
const ofOutput = { output_index: integer, item: orNull(item) };
const ofItem = { item_id: text, output_index: integer };
const ofPart = { ...ofItem, content_index: integer };
const ofSummary = { ...ofItem, summary_index: integer };
const delta = { delta: text, 'obfuscation?': text };
const events = {
    'response.created': ofResponse,
    'response.queued': ofResponse,
    'response.in_progress': ofResponse,
    'response.completed': ofResponse,
    'response.failed': ofResponse,
    'response.incomplete': ofResponse,
    'response.output_item.added': ofOutput,
    'response.output_item.done': ofOutput,
    'response.content_part.added': { ...ofPart, part },
    'response.content_part.done': { ...ofPart, part },
    'response.output_text.delta': { ...ofPart, ...delta, 'logprobs?': logprobs },
    'response.output_text.done': { ...ofPart, text, 'logprobs?': logprobs },
    'response.output_text.annotation.added': { ...ofPart, annotation_index: integer, annotation: orNull(annotation) },
    'response.refusal.delta': { ...ofPart, delta: text },
    'response.refusal.done': { ...ofPart, refusal: text },
    'response.reasoning.delta': { ...ofPart, ...delta },
    'response.reasoning.done': { ...ofPart, text },
    'response.reasoning_summary_part.added': { ...ofSummary, part },
    'response.reasoning_summary_part.done': { ...ofSummary, part },
    'response.reasoning_summary_text.delta': { ...ofSummary, ...delta },
    'response.reasoning_summary_text.done': { ...ofSummary, text },
    'response.function_call_arguments.delta': { ...ofItem, ...delta },
    'response.function_call_arguments.done': { ...ofItem, arguments: text },
    error: { error: anything },
};
export const event = typed(
    Object.fromEntries(Object.entries(events).map(([name, members]) => [name, { sequence_number: integer, ...members }])),
);
