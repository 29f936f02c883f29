// What this browser remembers of each user's chats. The conversations themselves are the gateway's.
const read = (key, fallback) => {
    try {
        return JSON.parse(localStorage.getItem(key)) ?? fallback;
    } catch {
        return fallback;
    }
};
const write = (key, value) => {
    try {
        localStorage.setItem(key, JSON.stringify(value));
    } catch {
        // Full: what is there stays.
    }
};

export const loadChats = (user) => read(`chats:${user}`, []);
export const saveChats = (user, chats) => write(`chats:${user}`, chats);
export const loadMessages = (user, id) => read(`messages:${user}:${id}`, []);
export const saveMessages = (user, id, messages) => write(`messages:${user}:${id}`, messages);
