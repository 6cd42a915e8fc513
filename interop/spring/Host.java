import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.configuration.WebSecurityCustomizer;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.DelegatingPasswordEncoder;
import org.springframework.security.crypto.password.NoOpPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.server.authorization.InMemoryOAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;

/**
 * Hosts Spring Authorization Server as Spring Boot configures it. The clients are in application.yaml; here are only the
 * users, a document with a client's public key, and the claim {@code may_act} in the tokens of users who named a delegate.
 * Nothing of the token exchange is replaced.
 */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Host {

    /** Users who named who may act for them, with that actor's subject. */
    private static final Map<String, String> DELEGATES = Map.of(
            "names-service", "service",
            "names-exchanger", "exchanger",
            "names-other", "someone-else",
            "names-elsewhere", "service");

    public static void main(String[] arguments) {
        SpringApplication.run(Host.class, arguments);
    }

    @Bean
    UserDetailsService users() {
        var users = new InMemoryUserDetailsManager(user("alice"), user("bob"), user("names-malformed"));
        DELEGATES.keySet().forEach(name -> users.createUser(user(name)));
        return users;
    }

    private static UserDetails user(String name) {
        return User.withUsername(name).password("{noop}" + name + "-password").roles("USER").build();
    }

    /** The passwords and secrets here are public; hashing them anew for each request would only take time. */
    @Bean
    @SuppressWarnings("deprecation")
    PasswordEncoder passwordEncoder() {
        return new DelegatingPasswordEncoder("noop", Map.of("noop", NoOpPasswordEncoder.getInstance()));
    }

    /**
     * The library's store in memory, used by one thread at a time: left to itself it breaks now and then when a code is looked
     * up while another is stored (ConcurrentModificationException, 7.1.1), and no two runs would be the same.
     */
    @Bean
    OAuth2AuthorizationService authorizations() {
        var store = new InMemoryOAuth2AuthorizationService();
        return new OAuth2AuthorizationService() {
            @Override
            public synchronized void save(OAuth2Authorization authorization) {
                store.save(authorization);
            }

            @Override
            public synchronized void remove(OAuth2Authorization authorization) {
                store.remove(authorization);
            }

            @Override
            public synchronized OAuth2Authorization findById(String id) {
                return store.findById(id);
            }

            @Override
            public synchronized OAuth2Authorization findByToken(String token, OAuth2TokenType type) {
                return store.findByToken(token, type);
            }
        };
    }

    /** The key of the client with private_key_jwt: its jwk-set-uri is read by this server itself, without a login. */
    @Bean
    WebSecurityCustomizer clientKeys() {
        return web -> web.ignoring().requestMatchers("/client-keys.json");
    }

    @Bean
    OAuth2TokenCustomizer<JwtEncodingContext> mayAct() {
        return context -> {
            boolean login = AuthorizationGrantType.AUTHORIZATION_CODE.equals(context.getAuthorizationGrantType());
            if (!login || !OAuth2TokenType.ACCESS_TOKEN.equals(context.getTokenType())) {
                return;
            }
            String user = context.getPrincipal().getName();
            String delegate = DELEGATES.get(user);
            if (delegate != null) {
                String issuer = context.getAuthorizationServerContext().getIssuer();
                String of = user.equals("names-elsewhere") ? "https://elsewhere.example.net" : issuer;
                context.getClaims().claim("may_act", Map.of("iss", url(of), "sub", delegate));
            } else if (user.equals("names-malformed")) {
                context.getClaims().claim("may_act", "service");
            }
        };
    }

    /** The issuer as the library keeps it in an actor token: as text it would be equal to none. */
    private static URL url(String issuer) {
        try {
            return URI.create(issuer).toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
