// Hosts the library oidc-provider on 127.0.0.1 (port: PORT), with the token exchange grant that its documentation
// registers as its example of a custom grant: the same parameters, audience and resource repeatable. The documentation
// leaves the handler to the host; ours is written after the library's own grants, with its models, errors and defaults
// (opaque tokens), for access tokens that this server issued. All else that the token endpoint answers is the library's.
// It prints its issuer when it is ready, and ends when stdin closes or on SIGTERM.

import { generateKeyPairSync } from "node:crypto";
import { Provider, errors } from "oidc-provider";

const { InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget } = errors;
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const SCOPES = "openid offline_access read write admin";
const APIS = ["https://api.example.com", "https://backend.example.com"];

const issuer = `http://127.0.0.1:${process.env.PORT}`;
const users = new Map(["alice", "bob"].map((id) => [id, `${id}-password`]));

function client(client_id, grant_types, metadata = {}) {
  const client_secret = `${client_id}-secret`;
  return { client_id, client_secret, grant_types, redirect_uris: [], response_types: [], ...metadata };
}

const clients = [
  client("exchanger", ["client_credentials", "password", "refresh_token", TOKEN_EXCHANGE]),
  client("service", ["client_credentials", TOKEN_EXCHANGE]),
  client("second", ["client_credentials", "password", TOKEN_EXCHANGE]),
  client("forbidden", ["client_credentials"]),
  client("observer", ["client_credentials"]),
  client("odd:id+%", [TOKEN_EXCHANGE], { client_secret: "s:e c%r+t" }),
  client("hmac", [TOKEN_EXCHANGE], {
    client_secret: "hmac-secret-of-at-least-32-bytes!",
    token_endpoint_auth_method: "client_secret_jwt",
  }),
  client("signer", [TOKEN_EXCHANGE], {
    client_secret: undefined,
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks: { keys: [JSON.parse(process.env.CLIENT_KEY)] },
  }),
  client("public", ["refresh_token"], { client_secret: undefined, token_endpoint_auth_method: "none" }),
];

/** Everything that the library keeps, in memory. Its own adapter for development forgets the oldest of 1,000 entries. */
const stored = new Map();

class Adapter {
  constructor(model) {
    this.key = (id) => `${model}:${id}`;
    this.prefix = this.key("");
  }

  async upsert(id, payload) {
    stored.set(this.key(id), payload);
  }

  async find(id) {
    return stored.get(this.key(id));
  }

  async findByUid(uid) {
    return [...stored.values()].find((payload) => payload.uid === uid);
  }

  async destroy(id) {
    stored.delete(this.key(id));
  }

  async consume(id) {
    stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) {
      if (key.startsWith(this.prefix) && payload.grantId === grantId) stored.delete(key);
    }
  }
}

/** Claims of access tokens besides the library's, as its `extraTokenClaims` adds them. */
const claims = new WeakMap();

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(issuer, {
  adapter: Adapter,
  clients,
  clientAuthMethods: [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
  ],
  cookies: { keys: ["loopback"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: api,
    },
    revocation: { enabled: true },
  },
  // Whom a client's own token is about is left out by the library; RFC 9068 section 2.2 has the client itself.
  extraTokenClaims: (ctx, token) => claims.get(token) ?? (token.accountId ? undefined : { sub: token.clientId }),
  findAccount: (ctx, id) => users.has(id) && { accountId: id, claims: () => ({ sub: id }) },
  jwks: { keys: [privateKey.export({ format: "jwk" })] },
  scopes: SCOPES.split(" "),
});

function api(ctx, indicator) {
  if (!APIS.includes(indicator)) throw new InvalidTarget();
  return { scope: SCOPES };
}

/** A grant of the user to the client that asks, as a user's consent would have made it. */
async function consented(ctx, accountId, scope, resource) {
  const grant = new provider.Grant({ accountId, clientId: ctx.oidc.client.clientId });
  if (resource) grant.addResourceScope(resource, scope);
  else grant.addOIDCScope(scope);
  return grant.save();
}

/** Users sign in by password: the documentation suggests a custom grant for that too, where it can't be avoided. */
async function password(ctx) {
  const { params, client } = ctx.oidc;
  demand(params, "username", "password");
  const accountId = params.username;
  if (users.get(accountId) !== params.password) throw new InvalidGrant("unknown user or wrong password");
  const scope = params.scope ?? "";
  const grantId = await consented(ctx, accountId, scope);
  const source = { accountId, client, grantId, gty: "password", scope };
  // `lifetime` is ours: a user's token can so be seen to expire.
  const token = new provider.AccessToken({ ...source, expiresIn: Number(params.lifetime) || undefined });
  const idToken = new provider.IdToken({ sub: accountId }, { ctx });
  idToken.scope = "openid";
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    id_token: token.scopes.has("openid") ? await idToken.issue({ use: "idtoken" }) : undefined,
    refresh_token: token.scopes.has("offline_access")
      ? await new provider.RefreshToken({ ...source, rotations: 0 }).save()
      : undefined,
    scope,
    token_type: token.tokenType,
  };
}

async function tokenExchange(ctx) {
  const { params, client } = ctx.oidc;
  demand(params, "subject_token", "subject_token_type");
  if (params.actor_token_type) demand(params, "actor_token");
  if (params.actor_token) demand(params, "actor_token_type");
  if ((params.requested_token_type ?? ACCESS_TOKEN) !== ACCESS_TOKEN) {
    throw new InvalidRequest("requested_token_type is not supported");
  }

  const subject = await issued("subject_token", params);
  const actor = params.actor_token && (await issued("actor_token", params));

  const scope = params.scope ?? subject.scope;
  for (const each of scope.split(" ")) {
    if (each && !subject.scopes.has(each)) throw new InvalidScope("requested scope is not the subject_token's", each);
  }

  const resource = await target(ctx);
  const source = { client, scope };
  const token = subject.accountId
    ? new provider.AccessToken({
        ...source,
        accountId: subject.accountId,
        grantId: await consented(ctx, subject.accountId, scope, resource?.identifier()),
        gty: "token_exchange",
      })
    : new provider.ClientCredentials(source);
  const act = actor ? { sub: party(actor), act: subject.extra?.act } : subject.extra?.act;
  claims.set(token, { sub: party(subject), act });
  if (resource) token.resourceServer = resource;
  ctx.oidc.entity(token.kind, token);
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    issued_token_type: ACCESS_TOKEN,
    scope,
    token_type: token.tokenType,
  };
}

/** Whom a token is about: a user, or the client that got it for itself. */
function party(token) {
  return token.accountId ?? token.extra.sub;
}

function demand(params, ...names) {
  for (const name of names) {
    if (params[name] === undefined) throw new InvalidRequest(`missing required parameter(s) ${name}`);
  }
}

/** The access token of this server that a parameter holds. */
async function issued(name, params) {
  if (params[`${name}_type`] !== ACCESS_TOKEN) throw new InvalidRequest(`${name}_type is not supported`);
  const { AccessToken, ClientCredentials } = provider;
  const token = (await AccessToken.find(params[name])) ?? (await ClientCredentials.find(params[name]));
  // A bound token would have to come with a proof, which only the library's own grants can check.
  if (!token?.isValid || token.isSenderConstrained()) throw new InvalidRequest(`${name} is invalid`);
  return token;
}

/** The API that the request names by audience or resource. An access token of this library is for one. */
async function target(ctx) {
  const { audience = [], resource = [] } = ctx.oidc.params;
  for (const each of [resource].flat()) {
    if (!URL.canParse(each)) throw new InvalidTarget("resource indicator must be an absolute URI");
    if (each.includes("#")) throw new InvalidTarget("resource indicator must not contain a fragment component");
  }
  const [identifier, ...more] = new Set([audience, resource].flat());
  if (more.length) throw new InvalidTarget("only a single resource indicator value is supported for this grant type");
  if (!identifier) return undefined;
  return new provider.ResourceServer(identifier, api(ctx, identifier));
}

provider.registerGrantType("password", password, ["username", "password", "scope", "lifetime"]);
provider.registerGrantType(
  TOKEN_EXCHANGE,
  tokenExchange,
  [
    "audience",
    "resource",
    "scope",
    "requested_token_type",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
  ],
  ["audience", "resource"],
);

provider.listen(Number(process.env.PORT), "127.0.0.1", () => console.log(`issuer: ${issuer}`));
process.stdin.resume().on("close", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
