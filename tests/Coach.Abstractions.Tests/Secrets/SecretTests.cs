using System.ComponentModel;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;

namespace Coach.Abstractions.Tests.Secrets;

public sealed class SecretTests
{
    private const string Canary = "sk-canary-2f1c9a7e";

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" \t\n")]
    public void From_NothingInIt_Throws(string? value) => Assert.ThrowsAny<ArgumentException>(() => Secret.From(value!));

    [Fact]
    public void Reveal_AnyValue_GivesItBackUnchanged() =>
        Check.QuickThrowOnFailure(Prop.ForAll<NonNull<string>>(text =>
            string.IsNullOrWhiteSpace(text.Get) || Secret.From(text.Get).Reveal() == text.Get));

    [Fact]
    public void Fingerprint_KnownValue_IsTheFirst16HexOfSha256()
    {
        string expected = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Canary)))[..16];
        Assert.Equal(expected, Secret.From(Canary).Fingerprint);
    }

    [Fact]
    public void ToString_EveryWayOfFormatting_ShowsTheMask()
    {
        var secret = Secret.From(Canary);
        string[] shown =
        [
            secret.ToString(), $"{secret}", $"{secret:X}", string.Format(CultureInfo.InvariantCulture, "{0:full}", secret),
            secret.ToString("G", CultureInfo.InvariantCulture), string.Concat("", secret),
        ];
        Assert.All(shown, text => Assert.Equal("***", text));
    }

    [Fact]
    public void Json_WrittenAlone_InAnObjectOrAsApiKey_NeverShowsTheValue()
    {
        var secret = Secret.From(Canary);
        Assert.Equal("\"***\"", JsonSerializer.Serialize(secret));
        Assert.Equal("""{"Inner":"***"}""", JsonSerializer.Serialize(new { Inner = secret }));
        Assert.DoesNotContain(Canary, JsonSerializer.Serialize(new ApiKey("gemini", secret)));
    }

    [Fact]
    public void Json_Read_WrapsTheString()
    {
        Assert.Equal(Canary, JsonSerializer.Deserialize<Secret>($"\"{Canary}\"")!.Reveal());
        Assert.Null(JsonSerializer.Deserialize<Secret>("\"  \""));
        JsonException error = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Secret>("42"));
        Assert.Contains("A secret must be a JSON string.", error.Message);
    }

    [Fact]
    public void Configuration_BoundToAProperty_WrapsTheString()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Key"] = Canary }).Build();
        Holder holder = configuration.Get<Holder>()!;
        Assert.Equal(Canary, holder.Key!.Reveal());
        TypeConverter converter = TypeDescriptor.GetConverter(typeof(Secret));
        Assert.Equal("***", converter.ConvertTo(holder.Key, typeof(string)));
    }

    [Fact]
    public void Equals_SameValue_IsEqualWithTheSameHash()
    {
        Assert.True(Secret.From("a") == Secret.From("a"));
        Assert.True(Secret.From("a") != Secret.From("b"));
        Assert.False(Secret.From("a").Equals(null));
        Assert.Equal(Secret.From("a").GetHashCode(), Secret.From("a").GetHashCode());
    }

    [Fact]
    public void DebuggerViews_OfSecretAndApiKey_HoldNoValue()
    {
        foreach (object subject in new object[] { Secret.From(Canary), new ApiKey("openai", Secret.From(Canary)) })
        {
            foreach (var property in subject.GetType().GetProperties())
            {
                Assert.DoesNotContain(Canary, property.GetValue(subject)?.ToString() ?? "");
            }
        }
    }

    private sealed class Holder
    {
        public Secret? Key { get; set; }
    }
}
