using Coach.Llm.Hosting;
using Coach.Llm.Keys;
using Coach.Llm.Providers;

namespace Coach.Llm.Tests;

public sealed class KeyFormatTests
{
    private static readonly ProviderCatalog Providers = BuiltInProviders.Create(new CoachLlmOptions());

    [Theory]
    [InlineData("gemini", "AIzaSy-a-key", null)]
    [InlineData("gemini", "AQ.a-key", null)]
    [InlineData("gemini", "any-form", null)]
    [InlineData("gemini", "sk-proj-a", "This looks like a key of another provider (openai).")]
    [InlineData("openai", "sk-ant-a", "This looks like a key of another provider (anthropic).")]
    [InlineData("openai", "sk-or-v1-a", "This looks like a key of another provider (openrouter).")]
    [InlineData("openai", "sk_car_a", "This looks like a key of another provider (cartesia).")]
    [InlineData("openai-compatible", "sk-proj-a", null)]
    [InlineData("openai-compatible", "AIzaSy-a", "This looks like a key of another provider (gemini).")]
    [InlineData("anthropic", "sk-ant-admin-a", "This looks like an admin key; admin keys cannot be used to generate.")]
    [InlineData("openai", "sk-admin-a", "This looks like an admin key; admin keys cannot be used to generate.")]
    [InlineData("cartesia", "sk_car_admin_a", "This looks like an admin key; admin keys cannot be used to generate.")]
    [InlineData("anthropic", "sk-ant-oat-a", "This looks like an OAuth or identity token, which is not an API key.")]
    [InlineData("gemini", "ya29.a", "This looks like an OAuth or identity token, which is not an API key.")]
    [InlineData("acme", "eyJa.b.c", "This looks like an OAuth or identity token, which is not an API key.")]
    [InlineData("acme", "sk-ant-a", "This looks like a key of another provider (anthropic).")]
    public void FindHint_FormOfTheKey_IsAdviceOnly(string provider, string key, string? expected) =>
        Assert.Equal(expected, KeyFormat.FindHint(Providers, provider, key));

    [Theory]
    [InlineData("a-good.key_1~", null)]
    [InlineData("https://example.test/key", "This is a URL, not a key. Copy the key itself from the provider's page.")]
    [InlineData("Bearer abc", "The key begins with 'Bearer'. Leave that word out.")]
    [InlineData("'quoted'", "The key stands in quotes. Leave them out.")]
    [InlineData("in the middle", "The key has white space in or around it. Copy it again, without spaces or line breaks.")]
    [InlineData("schlüssel", "The key holds a character that no key has (not visible ASCII). Copy it again.")]
    public void FindProblem_WhatNoKeyCanBe_IsRefused(string key, string? expected) => Assert.Equal(expected, KeyFormat.FindProblem(key));

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void FindProblem_Length_IsBounded(int length, bool isFine) => Assert.Equal(isFine, KeyFormat.FindProblem(new string('k', length)) is null);
}
