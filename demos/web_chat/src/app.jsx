import './policy.js';
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Chat } from './chat.jsx';
import { loadChats, saveChats } from './history.js';
import './style.css';

/** The users of the demo. A real page would send the user to a sign-in of its own. */
const people = [
    { id: 'anna', name: 'Anna', token: 'demo-anna' },
    { id: 'berta', name: 'Berta', token: 'demo-berta' },
];

const nameOf = (id) => people.find((person) => person.id === id)?.name ?? id;

function SignIn({ onSignedIn }) {
    const [problem, setProblem] = useState('');
    const signIn = async (person) => {
        setProblem('');
        const response = await fetch('/session', { method: 'POST', headers: { authorization: `Bearer ${person.token}` } }).catch(() => null);
        if (response?.ok) onSignedIn(person.id);
        else setProblem('Sign-in is not available. Try again in a moment.');
    };
    return (
        <main className="sign-in">
            <h1>Travel desk</h1>
            <p>Each person's requests reach the booking server with that person's own token.</p>
            {people.map((person) => (
                <button key={person.id} className="primary" onClick={() => signIn(person)}>Continue as {person.name}</button>
            ))}
            <p role="alert" className="problem">{problem}</p>
        </main>
    );
}

/** Light, dark, or as the system has it. */
function ThemeButton() {
    const [dark, setDark] = useState(() => {
        const chosen = localStorage.getItem('theme');
        return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    });
    useEffect(() => { document.documentElement.dataset.theme = dark ? 'dark' : 'light'; }, [dark]);
    const toggle = () => {
        localStorage.setItem('theme', dark ? 'light' : 'dark');
        setDark(!dark);
    };
    return <button className="quiet" aria-pressed={dark} onClick={toggle}>Dark<span className="name"> mode</span></button>;
}

const newId = () => crypto.randomUUID();

function Workspace({ user, onSignedOut }) {
    const [chats, setChats] = useState(() => loadChats(user));
    const [current, setCurrent] = useState(() => location.hash.slice(1) || newId());
    const [menuOpen, setMenuOpen] = useState(false);
    useEffect(() => { history.replaceState(null, '', `#${current}`); }, [current]);
    const open = (id) => {
        setCurrent(id);
        setMenuOpen(false);
    };
    const remember = (id, title) => setChats((known) => {
        if (known.some((chat) => chat.id === id)) return known;
        const next = [{ id, title }, ...known].slice(0, 50);
        saveChats(user, next);
        return next;
    });
    const signOut = async () => {
        await fetch('/session', { method: 'DELETE' }).catch(() => null);
        onSignedOut();
    };
    return (
        <div className="workspace">
            <header>
                <button className="quiet menu" aria-expanded={menuOpen} aria-controls="chats" onClick={() => setMenuOpen(!menuOpen)}>Chats</button>
                <h1>Travel desk</h1>
                <ThemeButton />
                <button className="quiet" onClick={signOut}>Sign out<span className="name"> {nameOf(user)}</span></button>
            </header>
            <nav id="chats" aria-label="Chats" className={menuOpen ? 'open' : ''}>
                <button className="primary" onClick={() => open(newId())}>New chat</button>
                <ul>
                    {chats.map((chat) => (
                        <li key={chat.id}>
                            <button className="quiet" aria-current={chat.id === current ? 'page' : undefined} onClick={() => open(chat.id)}>{chat.title}</button>
                        </li>
                    ))}
                </ul>
            </nav>
            <Chat key={current} id={current} user={user} onFirstMessage={(title) => remember(current, title)} onSignedOut={onSignedOut} />
        </div>
    );
}

function App() {
    const [user, setUser] = useState(undefined);
    useEffect(() => {
        fetch('/session').then(async (response) => setUser(response.ok ? (await response.json()).user : null), () => setUser(null));
    }, []);
    if (user === undefined) return null;
    if (user === null) return <SignIn onSignedIn={setUser} />;
    return <Workspace key={user} user={user} onSignedOut={() => setUser(null)} />;
}

createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>);
