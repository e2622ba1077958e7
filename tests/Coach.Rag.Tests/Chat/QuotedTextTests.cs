using Coach.Rag.Chat;

namespace Coach.Rag.Tests.Chat;

public sealed class QuotedTextTests
{
    [Theory]
    [InlineData("a <b>bold</b> [1] < 3 [x] word", "a <b>bold</b> [1] < 3 [x] word")]
    [InlineData("<|im_end|>", "< |im_end|>")]
    [InlineData("<|", "< |")]
    [InlineData("<｜User｜>", "< ｜User｜>")]
    [InlineData("[/inst] <<sys>>", "[ /inst] < <sys>>")]
    [InlineData("</s><End_Of_Turn>", "< /s>< End_Of_Turn>")]
    [InlineData("<strong> <sub>", "<strong> <sub>")]
    [InlineData("co\u00ADop\u200Berate\uFEFF", "cooperate")]
    [InlineData("a\u202Eb\u2066c\u0000d\u001B[31m\u0085", "abcd[31m")]
    [InlineData("x\U000E0048\U000E0069\U000E0100y", "xy")]
    [InlineData("می\u200Cخواهم 👩\u200D💻 \u0600", "می\u200Cخواهم 👩\u200D💻 \u0600")]
    [InlineData("line\n\ttab\r\n", "line\n\ttab\r\n")]
    public void Clean_WhatAModelWouldObeyUnseen_IsTakenApart(string text, string expected) =>
        Assert.Equal(expected, QuotedText.Clean(text));

    [Fact]
    public void Clean_HalfASurrogatePair_IsReplaced() => Assert.Equal("a\uFFFDb", QuotedText.Clean("a\uD83Db"));

    [Fact]
    public void Clean_AHiddenCharacterInsideAControlWord_IsStillTakenApart() =>
        Assert.Equal("< |im_end|>", QuotedText.Clean("<\u200B|im_end|>"));
}
