import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from 'ai';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Streamdown } from 'streamdown';
import { loadMessages, saveMessages } from './history.js';

const examples = ['Plan a weekend in Oslo', 'Book seat 14A for me', 'Who am I to the booking server?'];
const isDisconnect = (error) => /fetch|network|load failed/i.test(error?.message ?? '');

/** Text that grows, as Markdown. */
function Markdown({ text, growing }) {
    return <Streamdown controls={false} isAnimating={growing}>{text}</Streamdown>;
}

function Reasoning({ part }) {
    const growing = part.state === 'streaming';
    return (
        <details className="reasoning">
            <summary>{growing ? 'Thinking …' : 'Thought it over'}</summary>
            <Markdown text={part.text} growing={growing} />
        </details>
    );
}

const states = {
    'input-streaming': 'is being prepared',
    'input-available': 'is running',
    'approval-requested': 'needs your approval',
    'approval-responded': 'was answered',
    'output-available': 'is done',
    'output-error': 'failed',
    'output-denied': 'was declined',
};

const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

function ToolCall({ part, onDecision }) {
    const decision = useRef(null);
    const asks = part.state === 'approval-requested';
    // Whoever uses a keyboard or a screen reader is taken to the question.
    useEffect(() => { if (asks) decision.current?.focus(); }, [asks]);
    return (
        <section className={`call ${part.state}`} aria-label={`Tool ${part.toolName}`}>
            <p className="state"><code>{part.toolName}</code> {states[part.state] ?? part.state}</p>
            {asks && (
                <div role="group" aria-label="Decision">
                    <p>May the assistant do this with your account?</p>
                    <pre>{shown(part.input)}</pre>
                    <button ref={decision} className="primary" onClick={() => onDecision(part.approval.id, true)}>Approve</button>
                    <button onClick={() => onDecision(part.approval.id, false)}>Decline</button>
                </div>
            )}
            {!asks && (
                <details>
                    <summary>Details</summary>
                    <pre>{shown(part.input ?? {})}</pre>
                    {part.output !== undefined && part.output !== null && <pre>{shown(part.output)}</pre>}
                    {part.errorText && <p>{part.errorText}</p>}
                </details>
            )}
        </section>
    );
}

function Part({ part, onDecision }) {
    if (part.type === 'text') return <Markdown text={part.text} growing={part.state === 'streaming'} />;
    if (part.type === 'reasoning') return <Reasoning part={part} />;
    if (part.type === 'dynamic-tool') return <ToolCall part={part} onDecision={onDecision} />;
    if (part.type === 'source-url') return <p className="source"><a href={part.url} rel="noreferrer">{part.title ?? part.url}</a></p>;
    if (part.type === 'data-consent') return <p className="source"><a href={part.data.link} rel="noreferrer">Allow {part.data.serverLabel} to use your account</a></p>;
    return null;
}

function Message({ message, onDecision }) {
    return (
        <article className={message.role} aria-label={message.role === 'user' ? 'You' : 'Assistant'}>
            {message.parts.map((part, index) => <Part key={part.toolCallId ?? index} part={part} onDecision={onDecision} />)}
        </article>
    );
}

function Composer({ busy, onSend, onStop }) {
    const [text, setText] = useState('');
    const send = (event) => {
        event.preventDefault();
        if (busy || !text.trim()) return;
        onSend(text.trim());
        setText('');
    };
    const onKeyDown = (event) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
    };
    return (
        <form onSubmit={send}>
            <label htmlFor="question" className="hidden">Message</label>
            <textarea id="question" rows={2} placeholder="Ask the travel desk" value={text} autoFocus onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} />
            {busy ? <button type="button" className="stop" onClick={onStop}>Stop</button> : <button className="primary" disabled={!text.trim()}>Send</button>}
        </form>
    );
}

/** What a stream is, apart from the chat's own state: whether it broke off, and whether there is more of it. */
function useTransport(onNothingToResume, onSignedOut) {
    const callbacks = useRef({});
    callbacks.current = { onNothingToResume, onSignedOut };
    return useMemo(() => new DefaultChatTransport({
        api: '/api/chat',
        fetch: async (url, options) => {
            const response = await fetch(url, options);
            if (response.status === 204) callbacks.current.onNothingToResume();
            if (response.status === 401) callbacks.current.onSignedOut();
            return response;
        },
    }), []);
}

export function Chat({ id, user, onFirstMessage, onSignedOut }) {
    const [lost, setLost] = useState(false);
    const broken = useRef(0);
    const transport = useTransport(() => {
        if (broken.current > 0) setLost(true);
        broken.current = 0;
    }, onSignedOut);
    const chat = useChat({
        id,
        transport,
        messages: useMemo(() => loadMessages(user, id), [user, id]),
        resume: true,
        sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
        experimental_throttle: 30,
    });
    const { messages, status, error, sendMessage, resumeStream, regenerate, addToolApprovalResponse } = chat;
    const disconnected = status === 'error' && isDisconnect(error);
    const busy = status === 'submitted' || status === 'streaming' || disconnected;

    useEffect(() => { if (messages.length > 0) saveMessages(user, id, messages); }, [messages, user, id]);
    useEffect(() => { if (status === 'ready') broken.current = 0; }, [status]);
    // The library resumes only when the page becomes visible.
    useEffect(() => {
        if (!disconnected) return undefined;
        broken.current += 1;
        const timer = setTimeout(resumeStream, Math.min(500 * 2 ** broken.current, 10_000));
        return () => clearTimeout(timer);
    }, [disconnected, error, resumeStream]);

    const end = useRef(null);
    useEffect(() => { end.current?.scrollIntoView({ block: 'end' }); }, [messages, status]);

    const send = (text) => {
        setLost(false);
        if (messages.length === 0) onFirstMessage(text.slice(0, 60));
        sendMessage({ text });
    };
    const stop = () => fetch(`/api/chat/${encodeURIComponent(id)}/stop`, { method: 'POST' });
    const decide = (approval, approved) => addToolApprovalResponse({ id: approval, approved });
    const notice = disconnected ? 'The connection was lost. Reconnecting …'
        : error ? error.message : lost ? 'The rest of this answer was lost.' : '';
    return (
        <main className="chat">
            <div className="messages" role="log" aria-live="polite" aria-busy={busy} aria-label="Conversation" tabIndex={0}>
                {messages.length === 0 && (
                    <div className="examples">
                        <p>How can I help?</p>
                        {examples.map((each) => <button key={each} onClick={() => send(each)}>{each}</button>)}
                    </div>
                )}
                {messages.map((message) => <Message key={message.id} message={message} onDecision={decide} />)}
                {status === 'submitted' && <p className="waiting">The assistant is answering …</p>}
                <div ref={end} />
            </div>
            <div className="notice" role="alert">
                {notice && <p>{notice}</p>}
                {notice && !disconnected && <button onClick={() => { setLost(false); regenerate(); }}>Try again</button>}
            </div>
            <Composer busy={busy} onSend={send} onStop={stop} />
        </main>
    );
}
