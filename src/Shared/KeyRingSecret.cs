using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Coach.Abstractions;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection;

namespace Coach;

/// <summary>
/// The secret that protects a key ring which replicas share: whoever reads the store alone opens nothing.
/// </summary>
internal static class KeyRingSecret
{
    public const string Name = "COACH_DATA_PROTECTION_KEY";

    private const int LeastLength = 32;

    /// <summary>What is wrong with it; null if nothing is.</summary>
    public static string? Problem(ISecretSource secrets)
    {
        if (!secrets.TryGet(Name, out Secret? secret))
        {
            return $"{ErrorCodes.MissingSecret}: {Name} is missing. It protects the key ring that replicas share; set it "
                + "to the same 32 or more random characters (openssl rand -base64 32), or to a certificate with its "
                + "private key (PEM), on every replica.";
        }

        string value = secret.Reveal();
        bool isCertificate = value.Contains("-----BEGIN CERTIFICATE", StringComparison.Ordinal);
        return isCertificate && !value.Contains("PRIVATE KEY-----", StringComparison.Ordinal)
            ? $"{Name} is a certificate without its private key; add the private key (PEM)."
            : value.Length < LeastLength
                ? $"{Name} has {value.Length} characters; it must have at least {LeastLength}, at random."
                : null;
    }

    /// <summary>The key that is made of the secret: 256 bits.</summary>
    public static byte[] Derive(ISecretSource secrets)
    {
        if (Problem(secrets) is { } problem)
        {
            throw new InvalidOperationException(problem);
        }

        secrets.TryGet(Name, out Secret? secret);

        // Line ends of a PEM text differ by how it was handed over.
        byte[] material = Encoding.UTF8.GetBytes(string.Concat(secret!.Reveal().Where(c => !char.IsWhiteSpace(c))));
        return HKDF.DeriveKey(HashAlgorithmName.SHA256, material, 32, info: "Coach.KeyRing.v1"u8.ToArray());
    }
}

/// <summary>Seals the keys of the ring with AES-256-GCM.</summary>
internal sealed class KeyRingEncryptor(ISecretSource secrets) : IXmlEncryptor
{
    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        byte[] plain = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        byte[] whole = new byte[KeyRingDecryptor.NonceLength + plain.Length + KeyRingDecryptor.TagLength];
        Span<byte> nonce = whole.AsSpan(0, KeyRingDecryptor.NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(KeyRingSecret.Derive(secrets), KeyRingDecryptor.TagLength);
        aes.Encrypt(
            nonce, plain, whole.AsSpan(nonce.Length, plain.Length), whole.AsSpan(nonce.Length + plain.Length));
        CryptographicOperations.ZeroMemory(plain);
        return new EncryptedXmlInfo(
            new XElement(
                "encryptedKey",
                new XComment($" sealed with {KeyRingSecret.Name} "),
                new XElement("value", Convert.ToBase64String(whole))),
            typeof(KeyRingDecryptor));
    }
}

/// <summary>Opens what <see cref="KeyRingEncryptor"/> sealed. Data Protection makes it by its name.</summary>
internal sealed class KeyRingDecryptor : IXmlDecryptor
{
    public const int NonceLength = 12;
    public const int TagLength = 16;

    private readonly ISecretSource _secrets;

    public KeyRingDecryptor(IServiceProvider services) => _secrets = services.GetRequiredService<ISecretSource>();

    public XElement Decrypt(XElement encryptedElement)
    {
        byte[] whole = Convert.FromBase64String((string?)encryptedElement.Element("value") ?? "");
        if (whole.Length < NonceLength + TagLength)
        {
            throw new CryptographicException("A key of the key ring is truncated.");
        }

        byte[] plain = new byte[whole.Length - NonceLength - TagLength];
        using var aes = new AesGcm(KeyRingSecret.Derive(_secrets), TagLength);
        aes.Decrypt(
            whole.AsSpan(0, NonceLength), whole.AsSpan(NonceLength, plain.Length), whole.AsSpan(^TagLength..), plain);
        try
        {
            return XElement.Parse(Encoding.UTF8.GetString(plain));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }
}
