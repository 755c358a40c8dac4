namespace CoExpr.Tests

module RandomTests =
    let x = 1
