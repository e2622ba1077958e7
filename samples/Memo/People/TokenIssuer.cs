using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;
using Memo.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Memo.People;

/// <summary>
/// Tokens for API clients, signed with HS256. While a key is replaced, tokens of the one before it are taken too. A token
/// names the user's security stamp, so that a new password ends it.
/// </summary>
internal sealed class TokenIssuer
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private const string Audience = "memo";
    private const int MinKeyLength = 32;

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly TimeProvider _time;
    private readonly SigningCredentials _signing;
    private readonly SecurityKey[] _keys;

    public TokenIssuer(ISecretSource secrets, DataFolder folder, TimeProvider time)
    {
        _time = time;
        SecurityKey current = Find(secrets, "JWT_SIGNING_KEY") ?? OwnKey(folder);
        _signing = new SigningCredentials(current, SecurityAlgorithms.HmacSha256);
        _keys = Find(secrets, "JWT_SIGNING_KEY_PREVIOUS") is { } previous ? [current, previous] : [current];
    }

    public string Issue(MemoUser user)
    {
        DateTime now = _time.GetUtcNow().UtcDateTime;
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Audience,
            Audience = Audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + Lifetime,
            SigningCredentials = _signing,
            Claims = new Dictionary<string, object> { ["sub"] = user.Id, ["stamp"] = user.Stamp },
        });
    }

    /// <summary>Who a token was given to; null if it is not valid now.</summary>
    public async Task<Caller?> ReadAsync(string token, UserManager<MemoUser> users)
    {
        if (token.Length > 4_096)
        {
            return null;
        }

        TokenValidationResult result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = Audience,
            ValidAudience = Audience,
            IssuerSigningKeys = _keys,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = TimeSpan.FromSeconds(30),
            LifetimeValidator = (notBefore, expires, _, _) => IsAlive(notBefore, expires),
        }).ConfigureAwait(false);
        if (!result.IsValid)
        {
            return null;
        }

        string? id = result.ClaimsIdentity.FindFirst("sub")?.Value;
        Claim? stamp = result.ClaimsIdentity.FindFirst("stamp");
        MemoUser? user = id is null ? null : await users.FindByIdAsync(id).ConfigureAwait(false);
        return user is null || stamp is null || stamp.Value != user.Stamp
            ? null
            : new Caller(user.Id, user.Name, user.IsAdmin, null, null);
    }

    private static SymmetricSecurityKey? Find(ISecretSource secrets, string name)
    {
        if (!secrets.TryGet(name, out Secret? secret))
        {
            return null;
        }

        byte[] key = Encoding.UTF8.GetBytes(secret.Reveal());
        return key.Length >= MinKeyLength
            ? new SymmetricSecurityKey(key)
            : throw new InvalidOperationException($"{name} is too short; it must have {MinKeyLength} bytes or more.");
    }

    // Without a key of the environment the host makes one of its own, once, readable by its user alone.
    private static SymmetricSecurityKey OwnKey(DataFolder folder)
    {
        string path = Path.Combine(folder.Path, "jwt.key");
        if (!File.Exists(path))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var file = new FileStream(path, options);
            file.Write(RandomNumberGenerator.GetBytes(MinKeyLength));
        }

        return new SymmetricSecurityKey(File.ReadAllBytes(path));
    }

    private bool IsAlive(DateTime? notBefore, DateTime? expires)
    {
        DateTime now = _time.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end.AddSeconds(30) && (notBefore is not { } begin || now > begin.AddSeconds(-30));
    }
}
