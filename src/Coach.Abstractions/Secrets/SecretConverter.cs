using System.ComponentModel;
using System.Globalization;

namespace Coach.Abstractions.Secrets;

/// <summary>Lets a configuration string bind to a <see cref="Secret"/>; the way back gives <c>***</c>.</summary>
internal sealed class SecretConverter : TypeConverter
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text && !string.IsNullOrWhiteSpace(text) ? Secret.From(text) : null;

    public override object ConvertTo(
        ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        Secret.Mask;
}
