import { config } from 'zod';

// Its compiled checks need `eval`, which the page's content security policy forbids.
config({ jitless: true });
