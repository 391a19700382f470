/**
 * One entry of ALLOWED_ORIGINS: an origin exactly as browsers and the web views of apps write it, or the subdomains of a domain. An
 * entry that could never match is refused with the reason and, if there is one, the right spelling.
 */

/** What the first labels of a host are read as while an entry is checked. */
const ANY = 'any';
const WILDCARD = '://*.';
/** Schemes of web pages; the URL parser knows how browsers write their origins. */
const WEB = /^https?:/i;
/** Pages never have an origin of these schemes, or it is `null`. */
const WITHOUT_ORIGIN = /^(?:wss?|ftp|file|blob|data|javascript|about):/i;
/** The page of an app, such as capacitor://localhost or chrome-extension://ID. */
const APP = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::([1-9]\d{0,4}))?$/;
const MAX_PORT = 65_535;
/** Subdomains of two labels or more: the owner of `*.com` is everybody. `localhost` is this machine. */
const DOMAIN = /:\/\/\*\.(?:[^.:]+\.[^:]*[^.:]|localhost)(?::\d+)?$/;
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

const FORM =
  'an origin is only a scheme, a host and a port, such as https://play.example or capacitor://localhost';
const WILDCARD_FORM = 'a * stands only for the first labels of a host, as in https://*.play.example';

/** Returns the entry itself; throws an error that names it and says why it can't match. */
export function parseOrigin(entry: string): string {
  const fault = faultOf(entry);
  if (fault === undefined) return entry;
  throw new Error(`ALLOWED_ORIGINS has the entry "${entry}": ${fault}`);
}

function faultOf(entry: string): string | undefined {
  if (entry === '*')
    return 'it would let every page in; name each origin, or a domain as in https://*.play.example';
  if (entry === 'null') return 'pages without an origin can not be told apart';
  const isWildcard = entry.includes(WILDCARD);
  const plain = entry.replace(WILDCARD, `://${ANY}.`);
  if (plain.includes('*')) return WILDCARD_FORM;
  const canonical = WEB.test(plain) ? webOrigin(plain) : appOrigin(plain);
  if (canonical === undefined) return FORM;
  if (canonical !== plain) {
    return `browsers write "${isWildcard ? canonical.replace(`://${ANY}.`, WILDCARD) : canonical}"`;
  }
  return !isWildcard || DOMAIN.test(entry) ? undefined : WILDCARD_FORM;
}

function webOrigin(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.pathname !== '/' || /[?#@]/.test(text)) return undefined;
  return url.origin;
}

function appOrigin(text: string): string | undefined {
  const origin = text.toLowerCase().replace(/\/$/, '');
  const [matched, port = '0'] = APP.exec(origin) ?? [];
  const isPossible = matched !== undefined && Number(port) <= MAX_PORT && !WITHOUT_ORIGIN.test(origin);
  return isPossible ? origin : undefined;
}

/** Tells which origins are subdomains that the entry names; undefined if it names one origin. */
export function subdomainsOf(entry: string): ((origin: string) => boolean) | undefined {
  const [scheme, domain] = entry.split(WILDCARD);
  if (domain === undefined) return undefined;
  const start = `${scheme}://`;
  const end = `.${domain}`;
  return (origin) =>
    origin.startsWith(start) && origin.endsWith(end) && LABELS.test(origin.slice(start.length, -end.length));
}
