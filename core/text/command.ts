// A command as data, and the one place where it is put into words: for an environment on this machine a command is typed in
// another way than for a deployed one.

export type Command = OdinCommand | DeployCommand;

/** A command of this tool. */
export interface OdinCommand {
  verb:
    | 'adopt'
    | 'baseline'
    | 'check'
    | 'destroy'
    | 'history'
    | 'init'
    | 'logs'
    | 'new'
    | 'preview'
    | 'prune'
    | 'resume'
    | 'run'
    | 'start-over'
    | 'status';
  environment: string;
  /** What follows the environment, as it is typed. */
  args?: readonly string[] | undefined;
}

/** The CDK's command that deploys an environment's stack. */
export interface DeployCommand {
  verb: 'deploy';
  stack: string;
}

/** What to do next: a sentence, or a command with the words before it. */
export type Next = string | (Command & { words: string });

/** Where an environment is, as far as a command has to say it. */
export interface Where {
  /** On this machine. */
  local?: boolean | undefined;
  /** In a mail, which may be read anywhere; else as the user named it, like the others. */
  app?: string | undefined;
  /** What the user's own configuration says need not be typed. */
  profile?: string | undefined;
  region?: string | undefined;
}

export const nextText = (next: Next, where: Where = {}): string =>
  typeof next === 'string' ? next : `${next.words}: ${commandLine(next, where)}`;

/** What a mail or a chat says before commands: it may be read anywhere. */
export const TYPED_WHERE = 'In a project that has odin-migrate installed';

/** Where it is not installed, npx alone would fetch and run whatever has its name. */
export const PROGRAM = 'npx --no-install odin-migrate';
export const CDK = 'npx --no-install cdk';

/** `npx --no-install odin-migrate resume odin-dev retry --local` */
export function commandLine(command: Command, where: Where = {}): string {
  if (command.verb === 'deploy') return [CDK, 'deploy', command.stack, ...profileOption(where)].join(' ');
  const { verb, environment, args = [] } = command;
  const typed = verb === 'run' && where.local ? 'local' : verb;
  return [PROGRAM, typed, environment, ...args, ...placeOptions(verb, where)].join(' ');
}

function placeOptions(verb: OdinCommand['verb'], where: Where): string[] {
  if (verb === 'check' || verb === 'init' || verb === 'new') return []; // they look at files
  if (where.local) return verb === 'run' ? [] : ['--local'];
  return [
    ...(where.app === undefined ? [] : [`--app ${where.app}`]),
    ...profileOption(where),
    ...(where.region === undefined ? [] : [`--region ${quoted(where.region)}`]),
  ];
}

const profileOption = ({ profile }: Where): string[] => (profile === undefined ? [] : [`--profile ${quoted(profile)}`]);

/** For a shell: a profile's name may have spaces in it. */
const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
