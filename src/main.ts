console.log("pgrescue");
