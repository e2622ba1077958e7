using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>The SHA-256 of everything in a request that must be the same when its operation key is used
/// again.</summary>
[JsonConverter(typeof(Converter))]
public readonly struct RequestHash : IEquatable<RequestHash>
{
    private readonly UInt128 _high;
    private readonly UInt128 _low;

    private RequestHash(UInt128 high, UInt128 low)
    {
        _high = high;
        _low = low;
    }

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <param name="text">The digits, in either case; null is refused.</param>
    /// <param name="hash">The hash, or <c>default</c>.</param>
    /// <returns>Whether the text was a hash.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out RequestHash hash)
    {
        hash = default;
        Span<byte> bytes = stackalloc byte[32];
        if (text is not { Length: 64 }
            || Convert.FromHexString(text, bytes, out _, out int written) != OperationStatus.Done || written != 32)
        {
            return false;
        }

        hash = FromBytes(bytes);
        return true;
    }

    /// <inheritdoc />
    public bool Equals(RequestHash other) => _high == other._high && _low == other._low;

    /// <inheritdoc />
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is RequestHash other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => _low.GetHashCode();

    /// <summary>The hash as 64 hexadecimal digits in lower case.</summary>
    /// <returns>The digits.</returns>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[32];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], _low);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Whether two hashes are the same.</summary>
    /// <param name="left">One hash.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they are equal.</returns>
    public static bool operator ==(RequestHash left, RequestHash right) => left.Equals(right);

    /// <summary>The opposite of equality.</summary>
    /// <param name="left">One hash.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they differ.</returns>
    public static bool operator !=(RequestHash left, RequestHash right) => !left.Equals(right);

    internal static RequestHash Of(PaymentLinkRequest request)
    {
        var writer = new FieldWriter(stackalloc byte[1024]);
        writer.Add(request.Amount.MinorUnits);
        writer.Add(request.Amount.Currency);
        writer.Add(request.Description);
        writer.Add(request.IsReusable ? 1 : 0);
        writer.Add(request.RedirectUrl?.OriginalString);
        writer.Add(request.Items.Count);
        for (int i = 0; i < request.Items.Count; i++)
        {
            PaymentLineItem item = request.Items[i];
            writer.Add(item.Description);
            writer.Add(item.UnitPrice.MinorUnits);
            writer.Add(item.Quantity);
        }

        writer.Add(request.Metadata.Count);
        if (request.Metadata.Count > 0)
        {
            foreach ((string key, string value) in request.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                writer.Add(key);
                writer.Add(value);
            }
        }

        AddSelling(ref writer, request);
        Span<byte> hash = stackalloc byte[32];
        writer.Finish(hash);
        return FromBytes(hash);
    }

    // What 0.1 did not have is added only where it is set: its requests keep their hashes.
    private static void AddSelling(ref FieldWriter writer, PaymentLinkRequest request)
    {
        if (request.Reference is { } reference)
        {
            writer.Add("reference");
            writer.Add(reference);
        }

        foreach (PaymentLineItem item in request.Items)
        {
            if (item.PriceId is not null || item.ProductId is not null || item.TaxCode is not null
                || item.MinQuantity is not null || item.MaxQuantity is not null)
            {
                writer.Add("item");
                writer.Add(item.PriceId);
                writer.Add(item.ProductId);
                writer.Add(item.TaxCode);
                writer.Add(item.MinQuantity ?? -1);
                writer.Add(item.MaxQuantity ?? -1);
            }
        }

        if (request.Options is not { } options)
        {
            return;
        }

        writer.Add("options");
        writer.Add(Flags(
            options.AllowPromotionCodes,
            options.AutomaticTax,
            options.CollectTaxId,
            options.CollectPhoneNumber,
            options.RequireBillingAddress,
            options.AlwaysCreateCustomer));
        writer.Add((long?)options.TaxBehavior ?? -1);
        writer.Add(options.SubmitType);
        writer.Add(options.StatementDescriptorSuffix);
        writer.Add(options.InactiveMessage);
        writer.Add(options.ConfirmationMessage);
        writer.Add(string.Join(',', options.ShippingCountries));
        writer.Add(string.Join(',', options.ShippingRates));
        writer.Add(string.Join(',', options.PaymentMethodTypes));
        foreach (PaymentCustomField field in options.CustomFields)
        {
            writer.Add(field.Key);
            writer.Add(field.Label);
            writer.Add(Flags(field.IsNumeric, field.IsOptional));
        }

        foreach ((string name, string value) in options.Extra.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.Add(name);
            writer.Add(value);
        }
    }

    // The first is the lowest bit. Its order stands in hashes that were kept: what is new comes last.
    private static long Flags(params ReadOnlySpan<bool> flags)
    {
        long bits = 0;
        for (int at = 0; at < flags.Length; at++)
        {
            bits |= flags[at] ? 1L << at : 0;
        }

        return bits;
    }

    /// <summary>Whether two requests without items and metadata are field by field the same, so that their hashes need
    /// not be made.</summary>
    internal static bool IsPlainlySame(PaymentLinkRequest left, PaymentLinkRequest right)
    {
        bool isPlain = left.Items.Count + right.Items.Count + left.Metadata.Count + right.Metadata.Count == 0;
        return isPlain
            && left.Options is null && right.Options is null
            && left.Reference == right.Reference
            && left.Amount == right.Amount
            && left.Description == right.Description
            && left.IsReusable == right.IsReusable
            && left.RedirectUrl?.OriginalString == right.RedirectUrl?.OriginalString;
    }

    /// <summary>The name of an operation in the store and at the provider: 40 hexadecimal digits of a
    /// SHA-256.</summary>
    internal static string Tag(string space, string? owner, string operationKey)
    {
        var writer = new FieldWriter(stackalloc byte[1024]);
        writer.Add(space);
        writer.Add(owner);
        writer.Add(operationKey);
        Span<byte> hash = stackalloc byte[32];
        writer.Finish(hash);
        return Convert.ToHexStringLower(hash[..20]);
    }

    private static RequestHash FromBytes(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    // Length before content, so that no two different lists of fields give the same bytes. Falls back to a larger
    // buffer.
    private ref struct FieldWriter(Span<byte> buffer)
    {
        private Span<byte> _buffer = buffer;
        private int _length;

        public void Add(long value)
        {
            Grow(8);
            BinaryPrimitives.WriteInt64LittleEndian(_buffer[_length..], value);
            _length += 8;
        }

        public void Add(string? text)
        {
            if (text is null)
            {
                Add(-1);
                return;
            }

            Add(text.Length);
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(text.AsSpan());
            Grow(bytes.Length);
            bytes.CopyTo(_buffer[_length..]);
            _length += bytes.Length;
        }

        public readonly void Finish(Span<byte> hash) => SHA256.HashData(_buffer[.._length], hash);

        private void Grow(int more)
        {
            if (_length + more > _buffer.Length)
            {
                byte[] larger = new byte[Math.Max(_buffer.Length * 2, _length + more)];
                _buffer[.._length].CopyTo(larger);
                _buffer = larger;
            }
        }
    }

    /// <summary>A hash as a string of 64 hexadecimal digits.</summary>
    internal sealed class Converter : JsonConverter<RequestHash>
    {
        public override RequestHash Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && RequestHash.TryParse(reader.GetString(), out RequestHash hash)
                ? hash
                : throw new JsonException("A request hash is 64 hexadecimal digits.");

        public override void Write(Utf8JsonWriter writer, RequestHash value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
