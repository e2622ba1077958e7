using System.Security.Cryptography;
using Coach.Abstractions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Makes and reads the cookie's value: the session's handle, 16 random bytes and the time when the session began,
/// sealed with Data Protection, so that a made-up value names no session. A signed-in user's ticket holds whose it is.
/// The handle is public and opens nothing; the random bytes tell one ticket of a session from the next, so that one can
/// end without the session.
/// </summary>
internal sealed class SessionTickets
{
    // 128 bits each: too many to guess, whatever becomes of the key ring.
    private const int RandomBytes = 16;
    private const int HandleBytes = 16;
    private const int OwnerBytes = 16;
    private const int TicketBytes = HandleBytes + RandomBytes + sizeof(long);
    private const int OwnedTicketBytes = TicketBytes + OwnerBytes;

    /// <summary>A ticket of version 0.1.0: random bytes, whose hash is the handle, and the time.</summary>
    private const int OldTicketBytes = RandomBytes + sizeof(long);

    private readonly IDataProtector _protector;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lifetime;

    public SessionTickets(IDataProtectionProvider protection, IOptions<CoachSessionOptions> options, TimeProvider time)
    {
        _protector = protection.CreateProtector("Coach.Session.v1", options.Value.ApplicationName);
        _lifetime = options.Value.AbsoluteLifetime;
        _time = time;
    }

    /// <summary>A ticket of a new session.</summary>
    public SessionTicket Issue()
    {
        Span<byte> handle = stackalloc byte[HandleBytes];
        RandomNumberGenerator.Fill(handle);
        return Seal(handle, owner: null, _time.GetUtcNow().ToUnixTimeSeconds());
    }

    /// <summary>A ticket of the same session that is this owner's alone.</summary>
    public SessionTicket Bind(SessionTicket ticket, string owner) => Seal(ticket, owner);

    /// <summary>Another ticket of the same session, which lives no longer for it.</summary>
    public SessionTicket Renew(SessionTicket ticket) => Seal(ticket, ticket.Owner);

    /// <summary>Reads a cookie; null unless it names a session that can still be alive.</summary>
    public SessionTicket? TryRead(string? cookieValue)
    {
        if (string.IsNullOrEmpty(cookieValue) || cookieValue.Length > 512)
        {
            return null;
        }

        byte[] bytes;
        try
        {
            bytes = _protector.Unprotect(WebEncoders.Base64UrlDecode(cookieValue));
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            return null;
        }

        if (bytes.Length is not (OwnedTicketBytes or TicketBytes or OldTicketBytes))
        {
            return null;
        }

        ReadOnlySpan<byte> random = bytes.AsSpan(bytes.Length - OldTicketBytes, RandomBytes);
        string handle = bytes.Length == OldTicketBytes
            ? Hash(random)
            : Convert.ToHexStringLower(bytes.AsSpan(0, HandleBytes));
        string? owner = bytes.Length == OwnedTicketBytes
            ? Convert.ToHexStringLower(bytes.AsSpan(HandleBytes, OwnerBytes))
            : null;
        long began = ReadInt64LittleEndian(bytes.AsSpan(^sizeof(long)..));
        SessionTicket ticket = Of(handle, random, began, cookieValue) with { Owner = owner };
        return ticket.Expires > _time.GetUtcNow() ? ticket : null;
    }

    private SessionTicket Seal(SessionTicket ticket, string? owner) => Seal(
        Convert.FromHexString(ticket.Session.Value), owner, (ticket.Expires - _lifetime).ToUnixTimeSeconds());

    private SessionTicket Seal(ReadOnlySpan<byte> handle, string? owner, long began)
    {
        byte[] bytes = new byte[owner is null ? TicketBytes : OwnedTicketBytes];
        handle.CopyTo(bytes);
        if (owner is not null)
        {
            Convert.FromHexString(owner).CopyTo(bytes, HandleBytes);
        }

        Span<byte> random = bytes.AsSpan(bytes.Length - OldTicketBytes, RandomBytes);
        RandomNumberGenerator.Fill(random);
        WriteInt64LittleEndian(bytes.AsSpan(^sizeof(long)..), began);
        string cookieValue = WebEncoders.Base64UrlEncode(_protector.Protect(bytes));
        return Of(Convert.ToHexStringLower(handle), random, began, cookieValue) with { Owner = owner };
    }

    private SessionTicket Of(string handle, ReadOnlySpan<byte> random, long began, string cookieValue) => new(
        SessionId.From(handle),
        SessionId.From("ticket:" + Hash(random)),
        DateTimeOffset.FromUnixTimeSeconds(began) + _lifetime,
        cookieValue);

    private static string Hash(ReadOnlySpan<byte> random)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(random, hash);
        return Convert.ToHexStringLower(hash[..HandleBytes]);
    }
}

/// <summary>What a browser holds of a session.</summary>
/// <param name="Session">The session's public handle.</param>
/// <param name="Id">The ticket's own name among what was revoked; it is not the cookie.</param>
/// <param name="Expires">When the session ends at the latest.</param>
/// <param name="CookieValue">The cookie.</param>
internal sealed record SessionTicket(SessionId Session, SessionId Id, DateTimeOffset Expires, string CookieValue)
{
    /// <summary>The only user who may use it, as 32 hexadecimal digits; null where nobody was signed in.</summary>
    public string? Owner { get; init; }
}
