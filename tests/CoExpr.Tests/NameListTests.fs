namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

module NameListTests =

    let private joined (names: string list) = System.String.Join(",", names)

    let private quoted (name: string) =
        "\"" + name.Replace("\"", "\"\"") + "\""

    let private textOf (NonNull name: NonNull<string>) = name

    [<Property>]
    let ``names in quotes come back, whatever is in them`` (first: NonNull<string>) (others: NonNull<string> list) =
        let names = textOf first :: List.map textOf others
        Some names = NameList.tryParse (joined (List.map quoted names))

    [<Property>]
    let ``names without commas and quotes are what stands between the commas`` (names: NonNull<string> list) =
        let plain =
            names
            |> List.map (fun name -> (textOf name).Replace(",", "").Replace("\"", ""))
            |> joined

        Some(List.ofArray (plain.Split ',')) = NameList.tryParse plain

    [<TestCase("a,b", "a|b")>]
    [<TestCase("guide,\"a,b\",control", "guide|a,b|control")>]
    [<TestCase("\"a \"\"b\"\", c\"", "a \"b\", c")>]
    [<TestCase("a , \"b,c\" ,d", "a |b,c|d")>]
    [<TestCase("5\" gun,b", "5\" gun|b")>]
    [<TestCase("", "")>]
    [<TestCase("a,,", "a||")>]
    [<TestCase("\"\",\"", null)>]
    [<TestCase("\"a,b", null)>]
    [<TestCase("\"a\"b,c", null)>]
    [<TestCase("a,\"b", null)>]
    let ``as fields of a line of CSV`` (words: string, expected: string) =
        let found =
            NameList.tryParse words
            |> Option.map (fun names -> System.String.Join("|", names))

        Expect.equal (Option.ofObj expected) found
