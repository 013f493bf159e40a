// zod, as everything that is deployed takes it: the form of which a bundle has only what it uses, with messages in English. The other
// form is 60 KB more, and a tenth of a cold start.
import { en } from 'zod/locales';
import { config } from 'zod/mini';

config(en());

export * from 'zod/mini';
