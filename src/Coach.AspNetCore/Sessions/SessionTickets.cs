using System.Buffers.Binary;
using System.Security.Cryptography;
using Coach.Abstractions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Makes and reads the cookie's value: 16 random bytes and the time of issue, sealed with Data Protection, so that a
/// made-up value names no session. The public handle is a hash of the random bytes: it identifies a session and cannot
/// be turned back.
/// </summary>
internal sealed class SessionTickets
{
    // 128 bits: too many to guess, whatever becomes of the key ring.
    private const int RandomBytes = 16;
    private readonly IDataProtector _protector;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lifetime;

    public SessionTickets(IDataProtectionProvider protection, IOptions<CoachSessionOptions> options, TimeProvider time)
    {
        _protector = protection.CreateProtector("Coach.Session.v1", options.Value.ApplicationName);
        _lifetime = options.Value.AbsoluteLifetime;
        _time = time;
    }

    public (SessionId Id, string CookieValue) Issue()
    {
        Span<byte> ticket = stackalloc byte[RandomBytes + sizeof(long)];
        RandomNumberGenerator.Fill(ticket[..RandomBytes]);
        BinaryPrimitives.WriteInt64LittleEndian(ticket[RandomBytes..], _time.GetUtcNow().ToUnixTimeSeconds());
        return (HandleOf(ticket[..RandomBytes]), WebEncoders.Base64UrlEncode(_protector.Protect(ticket.ToArray())));
    }

    public bool TryRead(string? cookieValue, out SessionId id, out DateTimeOffset expires)
    {
        id = default;
        expires = default;
        if (string.IsNullOrEmpty(cookieValue) || cookieValue.Length > 512)
        {
            return false;
        }

        byte[] ticket;
        try
        {
            ticket = _protector.Unprotect(WebEncoders.Base64UrlDecode(cookieValue));
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            return false;
        }

        if (ticket.Length != RandomBytes + sizeof(long))
        {
            return false;
        }

        expires = DateTimeOffset.FromUnixTimeSeconds(
            BinaryPrimitives.ReadInt64LittleEndian(ticket.AsSpan(RandomBytes))) + _lifetime;
        id = HandleOf(ticket.AsSpan(0, RandomBytes));
        return expires > _time.GetUtcNow();
    }

    private static SessionId HandleOf(ReadOnlySpan<byte> random)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(random, hash);
        return SessionId.From(Convert.ToHexStringLower(hash[..16]));
    }
}
