using Coach.Abstractions;

namespace Coach.Configuration.Yaml.Tests.Secrets;

public sealed class SecretManifestYamlTests
{
    [Fact]
    public void Parse_NamesGroupsAndOlderNames_AreDeclaredInOrder()
    {
        SecretManifest manifest = SecretManifestYaml.Parse(
            """
            ref: llm/litellm@1
            secrets:
              required:
                - OPENAI_API_KEY
                - name: REGISTRY_AUTH
                  keys: [REGISTRY_USERNAME, REGISTRY_PASSWORD]
              optional:
                - { name: GEMINI_API_KEY, legacy: GOOGLE_API_KEY }
                - LITELLM_API_BASE
            """,
            "registry.yaml");

        Assert.Equal(
            [
                new SecretEntry("OPENAI_API_KEY", IsRequired: true),
                new SecretEntry("REGISTRY_USERNAME", IsRequired: true) { Group = "REGISTRY_AUTH" },
                new SecretEntry("REGISTRY_PASSWORD", IsRequired: true) { Group = "REGISTRY_AUTH" },
                new SecretEntry("GEMINI_API_KEY", IsRequired: false, "GOOGLE_API_KEY"),
                new SecretEntry("LITELLM_API_BASE", IsRequired: false),
            ],
            manifest.Entries);
    }

    [Theory]
    [InlineData("ref: x/y@1\n")]
    [InlineData("secrets:\n")]
    [InlineData("secrets: {}\n")]
    [InlineData("secrets:\n  required: []\n  optional:\n")]
    [InlineData("")]
    public void Parse_NoSecrets_IsEmpty(string text) =>
        Assert.Empty(SecretManifestYaml.Parse(text, "registry.yaml").Entries);

    [Theory]
    [InlineData("secrets: OPENAI_API_KEY\n", 1)]
    [InlineData("secrets:\n  - OPENAI_API_KEY\n", 2)]
    [InlineData("secrets:\n  required: OPENAI_API_KEY\n", 2)]
    [InlineData("secrets:\n  needed: [A]\n", 2)]
    [InlineData("secrets:\n  required:\n    - openai-key\n", 3)]
    [InlineData("secrets:\n  required:\n    - A\n    - ''\n", 4)]
    [InlineData("secrets:\n  required:\n    - [A, B]\n", 3)]
    [InlineData("secrets:\n  required:\n    - { name: A, value: hunter2 }\n", 3)]
    [InlineData("secrets:\n  required:\n    - { keys: [A, B] }\n", 3)]
    [InlineData("secrets:\n  optional:\n    - { name: A, legacy: b }\n", 3)]
    public void Parse_AnotherShape_NamesFileAndLine_AndNoValue(string text, int line)
    {
        YamlConfigurationException wrong = Assert.Throws<YamlConfigurationException>(
            () => SecretManifestYaml.Parse(text, "registry.yaml"));

        Assert.Equal("registry.yaml", wrong.File);
        Assert.Equal(line, wrong.Line);
        Assert.DoesNotContain("hunter2", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ReadsAFile_AndRefusesOneTooLong()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("a.yaml"), "secrets: { required: [STRIPE_API_KEY] }\n");
        File.WriteAllText(folder.File("long.yaml"), new string('#', (1024 * 1024) + 1));

        Assert.Equal("STRIPE_API_KEY", Assert.Single(SecretManifestYaml.Load(folder.File("a.yaml")).Entries).Name);
        Assert.Throws<YamlConfigurationException>(() => SecretManifestYaml.Load(folder.File("long.yaml")));
        Assert.Throws<FileNotFoundException>(() => SecretManifestYaml.Load(folder.File("none.yaml")));
    }
}
