using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;
using Microsoft.AspNetCore.DataProtection;
using Secret = Coach.Abstractions.Secret;

namespace Coach.AspNetCore.SessionKeys;

/// <summary>A key with the times its lifetimes are counted from.</summary>
internal sealed record SealedKey(ApiKey Key, DateTimeOffset SetAt, DateTimeOffset UsedAt);

/// <summary>
/// Seals keys for one application. The purpose chain names the format, the application, the session and the provider,
/// so a sealed key that is copied to another place in the cache does not open there. Format: version, both times in UTC
/// ticks, the key in UTF-8. A time of last use is sealed the same way, under one purpose more: version, UTC ticks.
/// </summary>
internal sealed class SessionKeyEnvelope(IDataProtectionProvider protection, string application)
{
    private const string Purpose = "Coach.SessionKeys.v1";
    private const string UsePurpose = "used";
    private const byte Version = 1;
    private const int HeaderLength = 1 + 8 + 8;
    private const int UseLength = 1 + 8;

    public byte[] Seal(SessionId session, SealedKey content)
    {
        string value = content.Key.Secret.Reveal();
        byte[] plain = new byte[HeaderLength + Encoding.UTF8.GetByteCount(value)];
        try
        {
            plain[0] = Version;
            BinaryPrimitives.WriteInt64LittleEndian(plain.AsSpan(1), content.SetAt.UtcTicks);
            BinaryPrimitives.WriteInt64LittleEndian(plain.AsSpan(9), content.UsedAt.UtcTicks);
            Encoding.UTF8.GetBytes(value, plain.AsSpan(HeaderLength));
            return For(session, content.Key.Provider).Protect(plain);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>Opens what <see cref="Seal"/> made for the same place; false for anything else.</summary>
    public bool TryOpen(
        SessionId session, string provider, byte[] sealedKey, [NotNullWhen(true)] out SealedKey? content)
    {
        content = null;
        byte[] plain;
        try
        {
            plain = For(session, provider).Unprotect(sealedKey);
        }
        catch (CryptographicException)
        {
            return false;
        }

        try
        {
            if (plain.Length <= HeaderLength || plain[0] != Version)
            {
                return false;
            }

            long setAt = BinaryPrimitives.ReadInt64LittleEndian(plain.AsSpan(1));
            long usedAt = BinaryPrimitives.ReadInt64LittleEndian(plain.AsSpan(9));
            if (setAt < 0 || usedAt < setAt || usedAt > DateTimeOffset.MaxValue.UtcTicks)
            {
                return false;
            }

            content = new SealedKey(
                new ApiKey(provider, Secret.From(Encoding.UTF8.GetString(plain.AsSpan(HeaderLength)))),
                new DateTimeOffset(setAt, TimeSpan.Zero), new DateTimeOffset(usedAt, TimeSpan.Zero));
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>Seals the time of a key's last use, for its own entry beside the key's.</summary>
    public byte[] SealUse(SessionId session, string provider, DateTimeOffset usedAt)
    {
        byte[] plain = new byte[UseLength];
        plain[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(plain.AsSpan(1), usedAt.UtcTicks);
        return For(session, provider).CreateProtector(UsePurpose).Protect(plain);
    }

    /// <summary>Opens what <see cref="SealUse"/> made for the same place; false for anything else.</summary>
    public bool TryOpenUse(SessionId session, string provider, byte[] sealedUse, out DateTimeOffset usedAt)
    {
        usedAt = default;
        byte[] plain;
        try
        {
            plain = For(session, provider).CreateProtector(UsePurpose).Unprotect(sealedUse);
        }
        catch (CryptographicException)
        {
            return false;
        }

        if (plain.Length != UseLength || plain[0] != Version)
        {
            return false;
        }

        long ticks = BinaryPrimitives.ReadInt64LittleEndian(plain.AsSpan(1));
        if (ticks < 0 || ticks > DateTimeOffset.MaxValue.UtcTicks)
        {
            return false;
        }

        usedAt = new DateTimeOffset(ticks, TimeSpan.Zero);
        return true;
    }

    private IDataProtector For(SessionId session, string provider) =>
        protection.CreateProtector(Purpose, application, session.Value, provider);
}
