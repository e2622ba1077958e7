using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Coach.AspNetCore.Tests.Callers;

/// <summary>An OpenID Connect provider in memory: discovery, keys, the code flow with PKCE, and tokens. Whoever is
/// <see cref="AtTheKeyboard"/> signs in without a question.</summary>
internal sealed class LocalIssuer : IAsyncDisposable
{
    public const string Address = "https://issuer.test";
    public const string Audience = "coach";

    private static readonly DateTime Expires = new(2100, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly RsaSecurityKey _key;
    private readonly Dictionary<string, (string Nonce, string Challenge, string User)> _codes = [];
    private readonly WebApplication _app;

    private LocalIssuer()
    {
        _key = new RsaSecurityKey(_rsa) { KeyId = "one" };
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Services.AddRouting();
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, object>
        {
            ["issuer"] = Address,
            ["authorization_endpoint"] = Address + "/authorize",
            ["token_endpoint"] = Address + "/token",
            ["jwks_uri"] = Address + "/keys",
            ["response_types_supported"] = new[] { "code" },
            ["id_token_signing_alg_values_supported"] = new[] { "RS256" },
        }));
        _app.MapGet("/keys", () => Results.Json(new { keys = new[] { PublicKey() } }));
        _app.MapGet("/authorize", Authorize);
        _app.MapPost("/token", TokenAsync);
    }

    public string AtTheKeyboard { get; set; } = "ann";

    public HttpMessageHandler Handler => _app.GetTestServer().CreateHandler();

    public static async Task<LocalIssuer> StartAsync()
    {
        var issuer = new LocalIssuer();
        await issuer._app.StartAsync(TestContext.Current.CancellationToken);
        return issuer;
    }

    public string Token(string user, string? nonce = null, string? tenant = null, string audience = Audience)
    {
        var claims = new List<Claim> { new("sub", user), new("name", user) };
        claims.AddRange(nonce is null ? [] : [new Claim("nonce", nonce)]);
        claims.AddRange(tenant is null ? [] : [new Claim("tid", tenant)]);
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Address,
            Audience = audience,
            Subject = new ClaimsIdentity(claims),
            Expires = Expires,
            SigningCredentials = new SigningCredentials(_key, SecurityAlgorithms.RsaSha256),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _rsa.Dispose();
    }

    private Dictionary<string, string> PublicKey()
    {
        RSAParameters parameters = _rsa.ExportParameters(false);
        return new()
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["kid"] = "one",
            ["n"] = WebEncoders.Base64UrlEncode(parameters.Modulus!),
            ["e"] = WebEncoders.Base64UrlEncode(parameters.Exponent!),
        };
    }

    private IResult Authorize(HttpRequest request)
    {
        string code = "code" + _codes.Count;
        _codes[code] = (request.Query["nonce"].ToString(), request.Query["code_challenge"].ToString(), AtTheKeyboard);
        return Results.Redirect(QueryHelpers.AddQueryString(request.Query["redirect_uri"].ToString(), new Dictionary<string, string?>
        {
            ["code"] = code,
            ["state"] = request.Query["state"].ToString(),
        }));
    }

    private async Task<IResult> TokenAsync(HttpRequest request)
    {
        IFormCollection form = await request.ReadFormAsync();
        byte[] verifier = SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()));
        bool isKnown = _codes.Remove(form["code"].ToString(), out (string Nonce, string Challenge, string User) code);
        return isKnown && WebEncoders.Base64UrlEncode(verifier) == code.Challenge
            ? Results.Json(new { id_token = Token(code.User, code.Nonce), access_token = "opaque", token_type = "Bearer" })
            : Results.BadRequest(new { error = "invalid_grant" });
    }
}
