using Coach.Rag.Analysis;

namespace Coach.Rag.Tests.Analysis;

public sealed class LanguageGuessTests
{
    [Theory]
    [InlineData("How do I restore a backup?")]
    [InlineData("kubernetes ingress")]
    [InlineData("What is the naïve façade pattern in C++?")]
    [InlineData("error E1234")]
    [InlineData("")]
    [InlineData("1 + 1")]
    [InlineData("What does le mean on the die of this chip?")]
    [InlineData("the α of a β-blocker")]
    public void IsEnglish_EnglishOrNoWords_IsTrue(string text) => Assert.True(LanguageGuess.IsEnglish(text));

    [Theory]
    [InlineData("Wie stelle ich eine Sicherung wieder her?")]
    [InlineData("Comment restaurer une sauvegarde dans le nuage ?")]
    [InlineData("¿Cómo puedo restaurar la copia de seguridad?")]
    [InlineData("Come si ripristina il backup della macchina?")]
    [InlineData("Como é que restauro uma cópia?")]
    [InlineData("Hoe zet ik een reservekopie terug?")]
    [InlineData("Hur återställer jag en kopia och var är den?")]
    [InlineData("Как восстановить резервную копию?")]
    [InlineData("如何恢复备份?")]
    [InlineData("バックアップを復元するには?")]
    [InlineData("백업을 어떻게 복원합니까?")]
    public void IsEnglish_OtherLanguages_IsFalse(string text) => Assert.False(LanguageGuess.IsEnglish(text));
}
