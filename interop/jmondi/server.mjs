// Hosts the library @jmondi/oauth2-server on 127.0.0.1 (port: PORT, or a free one), the way its documentation
// describes a host: repositories in memory, its Express adapter, and a processTokenExchange that returns the user of a
// valid subject token and undefined for any other. None of the library's answers is changed.
// It prints its issuer when it is ready, and ends when stdin closes or on SIGTERM.

import { randomBytes, randomUUID } from "node:crypto";
import { AuthorizationServer, DateInterval, JwtService } from "@jmondi/oauth2-server";
import { handleExpressError, handleExpressResponse } from "@jmondi/oauth2-server/express";
import express from "express";

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const scopes = ["read", "write", "admin"].map((name) => ({ name }));
const users = ["alice", "bob"].map((id) => ({ id, password: `${id}-password` }));
const clients = [
  client("exchanger", ["client_credentials", "password", "refresh_token", TOKEN_EXCHANGE]),
  client("service", ["client_credentials", TOKEN_EXCHANGE]),
  client("second", ["client_credentials", TOKEN_EXCHANGE]),
  client("forbidden", ["client_credentials"]),
  client("observer", ["client_credentials"]),
];
/** Every token that was issued, by its identifier (the `jti` of the JWT). */
const tokens = new Map();

function client(id, allowedGrants) {
  return { id, name: id, secret: `${id}-secret`, redirectUris: [], allowedGrants, scopes };
}

const clientRepository = {
  getByIdentifier: async (id) => clients.find((each) => each.id === id),
  isClientValid: async (grant, { allowedGrants, secret }, given) =>
    secret === given && allowedGrants.includes(grant),
};

const scopeRepository = {
  getAllByIdentifiers: async (names) => scopes.filter(({ name }) => names.includes(name)),
  finalize: async (requested) => requested,
};

const userRepository = {
  getUserByCredentials: async (id, password) =>
    users.find((user) => user.id === id && user.password === password),
};

const tokenRepository = {
  issueToken: async (client, scopes, user) => ({
    accessToken: randomUUID(),
    accessTokenExpiresAt: new Date(),
    client,
    user,
    scopes,
  }),
  issueRefreshToken: async (token) => {
    token.refreshToken = randomUUID();
    token.refreshTokenExpiresAt = new DateInterval("1h").getEndDate();
    return token;
  },
  persist: async (token) => void tokens.set(token.accessToken, token),
  revoke: async (token) => {
    token.accessTokenExpiresAt = new Date(0);
    token.refreshTokenExpiresAt = new Date(0);
  },
  isRefreshTokenRevoked: async (token) => token.refreshTokenExpiresAt <= new Date(),
  getByRefreshToken: async (id) => [...tokens.values()].find((token) => token.refreshToken === id),
  getByAccessToken: async (id) => tokens.get(id),
};

const jwt = new JwtService(randomBytes(32).toString("hex"));

/** The user of a subject token that this server issued, that is not expired and not revoked; else undefined. */
async function processTokenExchange({ subjectToken }) {
  const claims = await jwt.verify(subjectToken).catch(() => undefined);
  const issued = tokens.get(claims?.jti);
  return issued?.accessTokenExpiresAt > new Date() ? issued.user : undefined;
}

/** Serves the library's endpoints in the Express application `app`. */
function serve(app, issuer) {
  const server = new AuthorizationServer(clientRepository, tokenRepository, scopeRepository, jwt, { issuer });
  server.enableGrantTypes(
    "client_credentials",
    { grant: "password", userRepository },
    // So short that a user's token can be seen to expire: obtain it with the password, then refresh it.
    ["refresh_token", new DateInterval("2s")],
    { grant: TOKEN_EXCHANGE, processTokenExchange },
  );
  const answer = (respond) => async (request, response) => {
    try {
      handleExpressResponse(response, await respond(request));
    } catch (error) {
      handleExpressError(error, response);
    }
  };
  app.post("/token", answer((request) => server.respondToAccessTokenRequest(request)));
  app.post("/token/introspect", answer((request) => server.introspect(request)));
  app.post("/token/revoke", answer((request) => server.revoke(request)));
}

const app = express();
app.use(express.urlencoded({ extended: false }));

const listener = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", (error) => {
  if (error) {
    console.error(`failed to listen: ${error.message}`);
    process.exit(1);
  }
  const issuer = `http://127.0.0.1:${listener.address().port}`;
  serve(app, issuer);
  console.log(`issuer: ${issuer}`);
});

process.stdin.resume().on("close", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
